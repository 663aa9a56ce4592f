import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { useFormat } from "../ui/format";
import { Panel } from "../ui/Panel";

/** What works by itself and does not get on: pumps that fail (relays to brokers, channels, links, carriers …), and consumers that are behind. */
export function Background({ status }: { status: Schemas["SystemStatus"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const pumps = status.pumps.filter((p) => p.failing_since !== null || p.last_error !== null);
  const behind = status.consumers.filter((c) => c.lag > 0);
  return (
    <Panel title={t("background.title")} extra={status.queue_depth > 0 && <span className="dim">{t("background.queue", { count: status.queue_depth })}</span>} flush={pumps.length + behind.length > 0}>
      {pumps.length + behind.length === 0 ? <p>{t("background.calm")}</p> : (
        <ul className="levels">
          {pumps.map((p) => (
            <li key={`pump/${p.name}`}>
              <div className="site-head"><b>{p.name}</b> {p.failing_since && <span className="none-left">{t("background.failing", { time: format.when(p.failing_since) })}</span>}
                <span className="dim">{t("background.errors", { count: p.errors })}</span></div>
              {p.last_error && <p className={p.failing_since ? "none-left long" : "dim long"}>{p.last_error_at && `${format.when(p.last_error_at)} · `}{p.last_error}</p>}
            </li>
          ))}
          {behind.map((c) => <li key={`${c.consumer}~${c.lane}`}><div className="site-head"><b>{c.consumer}</b> <span>{t("background.behind", { lane: c.lane, count: c.lag })}</span></div></li>)}
        </ul>
      )}
    </Panel>
  );
}
