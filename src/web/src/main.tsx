import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { startLanguage } from "./i18n";
import "./style.css";

await startLanguage();
createRoot(document.getElementById("root")!).render(<StrictMode><App /></StrictMode>);
