import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist", "src/api/schema.d.ts", "node_modules", "eslint.config.js"] },
  ...tseslint.configs.recommendedTypeChecked,
  { files: ["src/**"], extends: [hooks.configs.flat["recommended-latest"]] },
  { languageOptions: { parserOptions: { projectService: true } } },
);
