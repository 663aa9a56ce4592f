import { Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { api, body } from "../api/client";
import { problemOf, ProblemError, type Problem } from "../api/problem";

/** Where a search leads: to the one order that is meant, or to the list of those that share the channel's id. */
async function find(text: string): Promise<string | null> {
  try {
    const order = await body(api.GET("/api/v1/orders/{id}", { params: { path: { id: text } } }));
    return `/orders/${order.id}`;
  } catch (error) {
    if (!(error instanceof ProblemError) || error.problem.status !== 404) throw error;
  }
  const page = await body(api.GET("/api/v1/orders", { params: { query: { external_id: text, limit: 2 } } }));
  if (page.items.length === 1) return `/orders/${page.items[0]!.id}`;
  return page.items.length > 1 ? `/orders?external_id=${encodeURIComponent(text)}` : null;
}

/** Finds an order by number, channel:id, or its id in the channel alone. */
export function OrderSearch() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [missing, setMissing] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);

  async function go(given: string) {
    const wanted = given.trim();
    if (!wanted) return;
    setBusy(true);
    setMissing(null);
    setProblem(null);
    try {
      const target = await find(wanted);
      if (target === null) setMissing(wanted);
      else {
        setText("");
        await navigate(target);
      }
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  }

  return (
    <search className="order-search">
      <Input.Search
        value={text}
        aria-label={t("search.label")}
        placeholder={t("search.placeholder")}
        enterButton={t("search.go")}
        loading={busy}
        onChange={(e) => { setText(e.target.value); setMissing(null); }}
        onSearch={(value) => void go(value)}
      />
      <div role="status">
        {missing && (
          <div className="order-search-answer">
            {t("search.none", { text: missing })} <Link to={`/stock?sku=${encodeURIComponent(missing)}`} onClick={() => setMissing(null)}>{t("search.asSku")}</Link>
          </div>
        )}
        {problem && <div className="order-search-answer">{problem.detail}</div>}
      </div>
    </search>
  );
}
