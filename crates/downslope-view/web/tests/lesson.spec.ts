// The lesson, played whole: with a mouse, with the keyboard alone, and with a finger on a phone.

import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import type { Lesson } from "../src/state/lesson";
import { Finger, Keyboard, Mouse, type Hand } from "./hands";
import { Player, plain } from "./play";
import { expect, test, type Served } from "./server";

async function playWhole(page: Page, served: Served, handOf: (page: Page) => Hand): Promise<void> {
  await served.start();
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.goto(served.url);
  const { lesson } = (await (await page.request.get(`${served.url}api/lesson`)).json()) as { lesson: Lesson };
  const player = new Player(page, handOf(page));
  for (let index = 0; index < lesson.steps.length; index++) await player.step(lesson, index);
  await player.sort(lesson);

  // What was got wrong is asked once more, and then no longer.
  const question = lesson.steps.flatMap((step) => step.blocks).filter((block) => block.type === "question")[1]!;
  const again = page.locator("section", { has: page.getByRole("heading", { name: "Once more" }) }).last();
  await expect(again).toContainText(plain(question.prompt).slice(0, 20));
  const right = question.reasons.findIndex((reason) => reason.correct);
  await player.hand.choose(again.locator(`input[value="${right}"]`).first());
  await player.hand.press(again.getByRole("button", { name: "Check" }).first());
  await expect(again.getByText("✓ right").first()).toBeVisible();

  const kept = JSON.parse(readFileSync(served.answers, "utf8")) as { answers: Record<string, { done: boolean }> };
  const asking = lesson.steps.flatMap((step) => step.blocks).filter((block) => ["question", "choice", "sort"].includes(block.type));
  expect(Object.keys(kept.answers).length).toBe(asking.length);
  expect(Object.values(kept.answers).every((answer) => answer.done)).toBe(true);
}

test("the whole lesson with a mouse", async ({ quiet, served }) => {
  await quiet.setViewportSize({ width: 1180, height: 900 });
  await playWhole(quiet, served, () => new Mouse());
});

test("the whole lesson with the keyboard alone", async ({ quiet, served }) => {
  await playWhole(quiet, served, (page) => new Keyboard(page));
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  test("the whole lesson with a finger", async ({ quiet, served }) => {
    await playWhole(quiet, served, () => new Finger());
  });
});
