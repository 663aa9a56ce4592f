import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { ConfigProvider, theme } from "antd";
import { createBrowserRouter, RouterProvider, type RouteObject } from "react-router";
import { keyStore, useKey } from "./api/key";
import { ProblemError } from "./api/problem";
import { KeyScreen } from "./ui/KeyScreen";
import { RouteProblem } from "./ui/RouteProblem";
import { Shell } from "./ui/Shell";
import { useTheme } from "./ui/theme";
import "./desk.css";

/** Each screen is a file that is loaded when it is opened for the first time. The server must know its address too: WebApp.Screens. */
const screens: RouteObject[] = [
  { path: "/", lazy: async () => ({ Component: (await import("./screens/Overview")).Overview }) },
  { path: "/orders", lazy: async () => ({ Component: (await import("./screens/Orders")).Orders }) },
  { path: "/orders/:id", lazy: async () => ({ Component: (await import("./screens/Order")).Order }) },
  { path: "/pack", lazy: async () => ({ Component: (await import("./screens/Pack")).Pack }) },
  { path: "/floor/:site", lazy: async () => ({ Component: (await import("./screens/Floor")).Floor }) },
  { path: "/routing", lazy: async () => ({ Component: (await import("./screens/Routing")).Routing }) },
  { path: "/links", lazy: async () => ({ Component: (await import("./screens/Links")).Links }) },
  { path: "/channels", lazy: async () => ({ Component: (await import("./screens/Channels")).Channels }) },
  { path: "/webhooks", lazy: async () => ({ Component: (await import("./screens/Webhooks")).Webhooks }) },
  { path: "/setup", lazy: async () => ({ Component: (await import("./screens/Setup")).Setup }) },
  { path: "/counts", lazy: async () => ({ Component: (await import("./screens/Counts")).Counts }) },
  { path: "/transfers", lazy: async () => ({ Component: (await import("./screens/Transfers")).Transfers }) },
  { path: "/stock", lazy: async () => ({ Component: (await import("./screens/Stock")).Stock }) },
];

const router = createBrowserRouter([
  // A screen on the wall has nothing around it.
  { path: "/kitchen/:site", ErrorBoundary: RouteProblem, HydrateFallback: () => null, lazy: async () => ({ Component: (await import("./kitchen/Kitchen")).Kitchen }) },
  { Component: Shell, ErrorBoundary: RouteProblem, HydrateFallback: () => null, children: screens },
  { path: "*", Component: RouteProblem },
]);

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the node refused it will refuse again; only a lost connection or a busy node is worth another try.
      retry: (failures, error) => failures < 2 && !(error instanceof ProblemError && error.problem.status < 500),
    },
  },
});

// Another key may see other things: nothing is kept from one to the next.
let seenWith = keyStore.get().key;
keyStore.subscribe(() => {
  const { key } = keyStore.get();
  if (key !== seenWith) queries.clear();
  seenWith = key;
});

const font = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif";

/** Ant Design in the page's colors (style.css). The grays are darker than its own, so that all text has enough contrast. */
function useAntTheme() {
  const isDark = useTheme() === "dark";
  return {
    algorithm: isDark ? theme.darkAlgorithm : theme.defaultAlgorithm,
    token: {
      fontFamily: font,
      fontSize: 14,
      borderRadius: 5,
      wireframe: false,
      motion: false,
      colorPrimary: isDark ? "#4aa3d8" : "#0b5c8f",
      colorLink: isDark ? "#7cc0ea" : "#0b5c8f",
      colorError: isDark ? "#ff8f85" : "#b3261e",
      colorInfo: isDark ? "#4aa3d8" : "#0b5c8f",
      colorBgContainer: isDark ? "#1a1f25" : "#ffffff",
      colorTextDescription: isDark ? "#a5b0bb" : "#56616d",
      colorTextPlaceholder: isDark ? "#98a3ae" : "#66717c",
      ...(isDark ? { colorTextLightSolid: "#0c1116" } : { colorInfoBg: "#e9f2f8", colorInfoBorder: "#b7d3e5" }),
    },
    components: { Table: { cellPaddingBlockSM: 6, cellPaddingInlineSM: 12, headerBg: isDark ? "#1f252c" : "#f6f8f9", headerColor: isDark ? "#a5b0bb" : "#56616d" } },
  };
}

export function App() {
  const { refused, key } = useKey();
  return (
    <ConfigProvider theme={useAntTheme()} wave={{ disabled: true }}>
      <QueryClientProvider client={queries}>
        {refused ? <KeyScreen /> : <RouterProvider key={key ?? ""} router={router} />}
      </QueryClientProvider>
    </ConfigProvider>
  );
}
