// What the page does beside playing its own lesson.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isAccessible, numberAfter } from "./play";
import { expect, test } from "./server";

const SCRIPT = `Gradient descent uses every row for a step.
Engagement Message
What is the price of that?
Type
Sort Into Boxes
Practice Question
Which method is it?
Labels
- First Box Label: Batch GD
- Second Box Label: Stochastic GD
First Box Items
- Uses all data
- Smooth descent
Second Box Items
- Uses one example
`;

test("a plain script plays as it is, practice included", async ({ quiet: page, served }) => {
  const path = join(served.folder, "script.txt");
  writeFileSync(path, SCRIPT);
  await served.start(path);
  await page.goto(served.url);
  await expect(page.getByText("uses every row for a step")).toBeVisible();
  await page.getByRole("textbox").fill("It takes long");
  await page.getByRole("button", { name: "Commit to this" }).click();
  await page.getByRole("button", { name: "Done" }).click();
  await isAccessible(page, "a plain script");
  const next = page.getByRole("navigation", { name: "Previous and next step" }).getByRole("link").last();
  if (!(await page.locator(".chip").count())) await next.click();
  for (const [chip, box] of [["Uses all data", 0], ["Smooth descent", 0], ["Uses one example", 1]] as const) {
    await page.locator(".chip", { hasText: chip }).click();
    await page.locator(`[data-box="${box}"] .lid`).click();
  }
  await expect(page.locator(".summary")).toContainText("Without a mistake");
  await isAccessible(page, "a plain script, sorted");
});

test("a chip is dragged into a box, and falls back where there is none", async ({ quiet: page, served }) => {
  await served.start();
  await page.goto(`${served.url}#sort-into-boxes`);
  const chip = page.locator(".chip", { hasText: "Uses all the data" });
  await chip.scrollIntoViewIfNeeded();
  const drag = async (x: number, y: number) => {
    const box = (await chip.boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(x - 30, y - 5, { steps: 4 });
    await page.mouse.move(x, y, { steps: 4 });
    await page.mouse.up();
  };
  await page.locator(".boxes").evaluate((boxes) => boxes.scrollIntoView({ block: "end" }));
  await drag(5, 300);
  await expect(page.locator(".pool .chip", { hasText: "Uses all the data" })).toBeVisible();
  const box = (await page.locator('[data-box="0"]').boundingBox())!;
  await drag(box.x + box.width / 2, box.y + box.height - 20);
  await expect(page.locator('[data-box="0"] .chip')).toContainText("Uses all the data");
  await expect(page.getByRole("status").last()).toContainText("Right");
});

test("answers are still there after a kill", async ({ quiet: page, served }) => {
  await served.start();
  await page.goto(served.url);
  await page.getByLabel("the loss", { exact: true }).check();
  await page.getByRole("button", { name: "Commit to this" }).click();
  await expect(page.getByRole("heading", { name: "Down in the fog" })).toBeVisible();
  await expect.poll(async () => Object.keys((await (await page.request.get(`${served.url}api/lesson`)).json()).answers).length).toBe(1);
  served.kill();
  await served.start();
  await page.goto(served.url);
  await expect(page.getByRole("heading", { name: "Down in the fog" })).toBeVisible();
  await expect(page.getByLabel("the loss")).toBeChecked();
});

test("a run is paused, stepped, rewound and forked, and a cursor walks its curve", async ({ quiet: page, served }) => {
  await served.start();
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.goto(`${served.url}#the-learning-rate`);
  const inquiry = page.locator("section.inquiry").first();
  await inquiry.locator("input[type=radio]").first().check();
  await inquiry.getByRole("button", { name: "Commit to this" }).click();
  const figure = inquiry.locator("figure.card");
  const sentence = figure.locator("[data-sentence]");
  const said = async () => (await sentence.textContent())!;
  await figure.getByRole("button", { name: "0.99 × the limit" }).click();
  await figure.getByRole("button", { name: "Pause" }).click();
  await expect(figure.getByRole("button", { name: "Go on" })).toBeVisible();
  const step = numberAfter(await said(), "Step");
  await figure.getByRole("button", { name: "One step" }).click();
  await expect(sentence).toContainText(`Step ${step + 1}:`);
  await figure.getByRole("button", { name: "at once" }).click();
  await figure.getByRole("button", { name: "Go on" }).click();
  await expect(sentence).toContainText("Step 100:");
  const end = await said();

  const rewind = figure.getByRole("slider", { name: /^Step/ });
  await rewind.fill("40");
  await expect(sentence).toContainText("Step 40:");
  await figure.getByRole("button", { name: "Go on" }).click();
  await expect(sentence).toHaveText(end);

  await rewind.fill("20");
  await expect(sentence).toContainText("Step 20:");
  await figure.locator("input[type=range]").first().fill(String(Math.log(0.5)));
  await figure.getByRole("button", { name: "Fork here" }).click();
  await figure.getByRole("button", { name: "Go on" }).click();
  await expect(sentence).toContainText("Step 100:");
  await expect(sentence).toContainText(/is 0\.(499|5|501) times the limit/);
  expect(numberAfter(await said(), "loss")).toBeLessThan(numberAfter(end, "loss"));

  const chart = figure.getByRole("slider", { name: /^Loss by step/ });
  await chart.focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  await expect(chart).toHaveAttribute("aria-valuetext", /step 1: loss/);
});

test("the first content is there within a second", async ({ quiet: page, served }) => {
  await served.start();
  const begun = Date.now();
  await page.goto(served.url);
  await page.getByRole("heading", { level: 1 }).waitFor();
  const first = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Infinity);
  expect(Math.min(first, Date.now() - begun)).toBeLessThan(1000);
});
