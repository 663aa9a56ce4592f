import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { startLanguage } from "./i18n";
import "./style.css";

await startLanguage();
// A handheld has a small screen, a slow network and no need for what the desk's screens are made of.
const Screens = /^\/m\/?$/.test(window.location.pathname) ? (await import("./m/Handheld")).Handheld : (await import("./App")).App;
createRoot(document.getElementById("root")!).render(<StrictMode><Screens /></StrictMode>);
