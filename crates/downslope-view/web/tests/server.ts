// How does a test get a lesson to play? It starts the command, as a person would, and reads its first line.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, expect, type Page } from "@playwright/test";

const program = process.env["DOWNSLOPE"] ?? "../../../target/debug/downslope";

export class Served {
  readonly folder = mkdtempSync(join(tmpdir(), "downslope-page-"));
  readonly answers = join(this.folder, "answers.json");
  url = "";
  #process: ChildProcess | undefined;

  async start(...words: string[]): Promise<void> {
    const child = spawn(program, ["learn", ...words, "--no-open", "--port", "0", "--answers", this.answers], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process = child;
    this.url = await new Promise<string>((resolve, reject) => {
      child.stdout!.once("data", (line: Buffer) => resolve(line.toString().trim()));
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    });
  }

  kill(): void {
    this.#process?.removeAllListeners("exit");
    this.#process?.kill("SIGKILL");
  }

  clear(): void {
    this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A server of its own for each test, and a page that may neither complain nor call elsewhere. */
export const test = base.extend<{ served: Served; quiet: Page }>({
  served: async ({}, use) => {
    const served = new Served();
    await use(served);
    served.clear();
  },
  quiet: async ({ page }, use) => {
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      const { hostname, protocol } = new URL(request.url());
      if (hostname !== "127.0.0.1" && protocol !== "blob:") complaints.push(`asked ${request.url()}`);
    });
    await use(page);
    expect(complaints).toEqual([]);
  },
});

export { expect };
