import { useId, type ReactNode } from "react";

interface Props {
  title: ReactNode;
  extra?: ReactNode;
  children: ReactNode;
  /** What it shows is not of now. */
  stale?: boolean;
  flush?: boolean;
}

/** A titled region of a screen. */
export function Panel({ title, extra, children, stale, flush }: Props) {
  const id = useId();
  return (
    <section className={`panel${stale ? " stale" : ""}`} aria-labelledby={id}>
      <header className="panel-head">
        <h2 id={id}>{title}</h2>
        {extra}
      </header>
      <div className={flush ? "panel-flush" : "panel-body"}>{children}</div>
    </section>
  );
}
