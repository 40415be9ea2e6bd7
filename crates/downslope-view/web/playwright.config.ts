import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

// The system's own Chromium: nothing is fetched for a test, and the browser fetches nothing for itself.
const places = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = places.find((place) => place && existsSync(place));
const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const args = process.getuid?.() === 0 ? ["--no-sandbox", ...quiet] : quiet;

export default defineConfig({
  testDir: "tests",
  timeout: 240_000,
  expect: { timeout: 20_000 },
  workers: 1,
  reporter: "list",
  use: { launchOptions: { executablePath, args }, screenshot: "only-on-failure", actionTimeout: 30_000 },
});
