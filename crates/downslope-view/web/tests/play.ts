// The whole lesson, played once: every question answered, every experiment run, and what its figure says held against
// what theory says.

import AxeBuilder from "@axe-core/playwright";
import { expect, type Locator, type Page } from "@playwright/test";
import type { Experiment, Lesson, Question, Step } from "../src/state/lesson";
import { grouped } from "../src/state/lesson";
import type { Hand } from "./hands";

/** The number in a text after some words. */
export function numberAfter(text: string, words: string): number {
  const found = new RegExp(`${words}\\s*([−-]?[\\d.,]+(?:e[−-]?\\d+)?)`).exec(text);
  if (!found) throw new Error(`no number after “${words}” in “${text}”`);
  return Number(found[1]!.replaceAll(",", "").replaceAll("−", "-").replace(/\.$/, ""));
}

export const plain = (html: string): string =>
  html.replace(/<[^>]*>/g, "").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&").replace(/\s+/g, " ").trim();

/** No rule of accessibility is broken, in light and in dark. */
export async function isAccessible(page: Page, where: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const { violations } = await new AxeBuilder({ page }).analyze();
    const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
    expect(told, `${where}, ${colorScheme}`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
}

export class Player {
  readonly page: Page;
  readonly hand: Hand;
  /** Prompts that are got wrong on purpose, by the number of the question. */
  readonly wrong = new Set([1]);
  #asked = 0;

  constructor(page: Page, hand: Hand) {
    this.page = page;
    this.hand = hand;
  }

  async step(lesson: Lesson, index: number): Promise<void> {
    const step = lesson.steps[index]!;
    await expect(this.page.getByRole("heading", { level: 1 })).toHaveText(plain(step.heading));
    await isAccessible(this.page, `${step.id}, at first`);
    await this.#blocks(step);
    await isAccessible(this.page, `${step.id}, at the end`);
    const overflow = await this.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow, `${step.id} is as wide as the window`).toBeLessThanOrEqual(0);
    const next = this.page.getByRole("navigation", { name: "Previous and next step" }).getByRole("link").last();
    if (index + 1 < lesson.steps.length) await this.hand.press(next);
  }

  async #blocks(step: Step): Promise<void> {
    let [inquiries, choices] = [0, 0];
    for (const group of grouped(step.blocks)) {
      if (group.kind === "inquiry") {
        await this.#inquiry(this.page.locator("section.inquiry").nth(inquiries++), group.question, group.experiment);
      } else if (group.block.type === "choice") {
        const section = this.page.locator("section.choice").nth(choices++);
        for (const option of group.block.options.filter((option) => option.correct)) {
          await this.hand.choose(section.getByLabel(plain(option.text), { exact: true }));
        }
        await this.hand.press(section.getByRole("button", { name: "Check" }));
        await expect(section.getByText("✓ right").first()).toBeVisible();
      } else if (group.block.type === "experiment") {
        await this.#experiment(this.page.locator("figure").last(), group.block);
      }
    }
  }

  async #inquiry(section: Locator, question: Question, experiment: Experiment | null): Promise<void> {
    const isWrong = this.wrong.has(this.#asked++);
    const commit = section.locator("[data-part=commit]");
    if (question.options.length) {
      const at = Math.max(0, question.options.findIndex((option) => (isWrong ? option.correct === false : option.correct)));
      await this.hand.choose(commit.locator(`input[value="${at}"]`));
    } else if (question.unit) await this.hand.write(commit.locator("input"), "20");
    else await this.hand.write(commit.locator("textarea"), "I do not know");
    await this.hand.press(commit.getByRole("button", { name: "Commit to this" }));
    if (experiment) await this.#experiment(section.locator("figure.card").last(), experiment);

    const reasons = section.locator("[data-part=reason]");
    if (question.reasons.length) {
      const at = question.reasons.findIndex((reason) => reason.correct !== isWrong);
      await this.hand.choose(reasons.locator(`input[value="${at}"]`));
      await this.hand.press(reasons.getByRole("button", { name: "This is the reason" }));
    }
    if (question.own_words) await this.hand.write(reasons.locator("textarea"), "as far as I see, the slope");
    await this.hand.press(reasons.getByRole("button", { name: question.reveal ? "Show what there is to say" : "Done" }));
    if (question.ticks.length) await this.hand.choose(section.locator("[data-part=reveal] input").first());
  }

  async #experiment(figure: Locator, experiment: Experiment): Promise<void> {
    const { hand } = this;
    const press = (name: string | RegExp) => hand.press(figure.getByRole("button", { name, exact: typeof name === "string" }));
    const sentence = figure.locator("[data-sentence]");
    const says = async (words: string | RegExp) => expect(sentence).toContainText(words, { timeout: 60_000 });
    const said = async () => (await sentence.textContent()) ?? "";
    switch (experiment.name) {
      case "fog-mountain": {
        await says("You: 0 steps");
        const start = numberAfter(await said(), "height");
        for (let i = 0; i < 3; i++) await press("Step south");
        await says("You: 3 steps");
        await press("Let gradient descent walk");
        await press("at once");
        await says("Gradient descent: 100 steps");
        expect(numberAfter(await said(), "100 steps, height")).toBeLessThan(start - 0.5);
        await press("Lift the fog");
        await says("The fog has lifted");
        break;
      }
      case "learning-rate": {
        for (const share of (experiment.parameters.multiples ?? "0.99,1.01").split(",").map(Number)) {
          await press(`${share} × the limit`);
          await press("at once");
          if (share > 1) {
            await says("It leapt out of the valley");
          } else {
            await says("Step 100:");
            const [first, last] = [numberAfter(await said(), "from"), numberAfter(await said(), "loss")];
            expect(last).toBeLessThan(first);
            await says(share > 0.5 ? "bouncing" : share < 0.05 ? "crawling" : "without leaping across");
          }
        }
        break;
      }
      case "step-price": {
        await press("Measure it here");
        await says("One step over all");
        const steps = numberAfter(await said(), "as long as");
        expect(steps).toBeGreaterThan(100);
        break;
      }
      case "gradient-cloud": {
        await press("1 row each");
        await says("each of a single row");
        const one = numberAfter(await said(), "stray from it by");
        await press("32 rows");
        await says("each of 32 rows");
        // (442 − 32)/(32·441) is what is left of the variance.
        const expected = one * Math.sqrt((442 - 32) / (32 * 441));
        expect(numberAfter(await said(), "stray from it by") / expected).toBeGreaterThan(0.6);
        expect(numberAfter(await said(), "stray from it by") / expected).toBeLessThan(1.5);
        break;
      }
      case "zig-zag": {
        await press("Let all of them go");
        await press("at once");
        await says("The way walked over the distance covered");
        const of = async (size: string) => numberAfter((await said()).split("distance covered:")[1]!, `${size}:`);
        expect(await of("full")).toBeLessThan(await of("32"));
        expect(await of("32")).toBeLessThan(await of(" 1"));
        break;
      }
      case "noise-and-batch": {
        await press("Measure noise and time");
        await says("where theory says");
        const rows = await figure.locator("table tbody tr").evaluateAll((rows) =>
          rows.map((row) => [...row.children].map((cell) => Number(cell.textContent!.replaceAll(",", "").replace(/ .*/, "")))),
        );
        expect(rows.length).toBeGreaterThan(8);
        for (const [, noise, error, theory] of rows) {
          expect(Math.abs(noise! - theory!)).toBeLessThanOrEqual(4 * error! + 0.1 * theory!);
        }
        break;
      }
      case "race": {
        await press("Start the race");
        await says("First at the target loss");
        const before = await said();
        await hand.choose(figure.getByLabel("equal steps"));
        await expect(sentence).not.toHaveText(before);
        // After equal steps all rows are ahead: the smoothest and the longest steps.
        await says(/After \d+ steps: batch/);
        break;
      }
      case "pytorch-code": {
        await press("Run it with this batch size");
        await says("45 steps an epoch");
        await says("step 1,350");
        const download = this.page.waitForEvent("download");
        await press("Take the run along (JSON)");
        expect((await download).suggestedFilename()).toBe("descent.json");
        break;
      }
      case "recap": {
        await says("Measured in this sitting");
        await hand.choose(figure.getByLabel("equal steps"));
        await says(/steps batch \(all rows\) is ahead/);
        await expect(figure.getByText("Time a step on 1,000,000 rows")).toBeVisible();
        break;
      }
      default:
        throw new Error(`no test knows the experiment ${experiment.name}`);
    }
  }

  /** Sorts all chips, the first of them wrongly at first. */
  async sort(lesson: Lesson): Promise<void> {
    const sort = lesson.steps.flatMap((step) => step.blocks).find((block) => block.type === "sort");
    if (sort?.type !== "sort") throw new Error("the lesson has nothing to sort");
    const section = this.page.locator("section", { has: this.page.getByRole("heading", { name: plain(sort.prompt) }) });
    const status = section.getByRole("status");
    const lid = (box: number) => section.locator(`[data-box="${box}"] .lid`);
    for (const [i, item] of sort.items.entries()) {
      const chip = section.getByRole("button", { name: plain(item.text) }).and(section.locator(".chip"));
      if (i === 0) {
        const other = (item.box + 1) % sort.boxes.length;
        await this.hand.place(chip, lid(other), other);
        await expect(status).toContainText("Not there");
        await isAccessible(this.page, "a chip in the wrong box");
      }
      await this.hand.place(chip, lid(item.box), item.box);
      await expect(status).toContainText("Right");
    }
    await expect(section.locator(".summary")).toBeFocused();
    await expect(section.locator(".summary")).toContainText("With one mistake on the way");
    await this.hand.press(section.getByRole("button", { name: `Prove it: ${plain(sort.items[1]!.text)}` }));
    await expect(section.locator(".proof dl")).toBeVisible();
    await isAccessible(this.page, "all is sorted");
  }
}
