import { defineConfig } from "vite";

// The service worker stands at the root, under a name that stays, in one file: not every browser
// lets a worker import others.
export default defineConfig({
  publicDir: false,
  build: {
    outDir: "../static",
    emptyOutDir: false,
    target: "es2022",
    rolldownOptions: {
      input: "src/sw.ts",
      output: { format: "iife", entryFileNames: "sw.js" },
    },
  },
});
