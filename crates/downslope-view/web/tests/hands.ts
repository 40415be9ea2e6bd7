// With what does a learner work? A mouse, the keyboard alone, or a finger: the same lesson is played with each.

import { expect, type Locator, type Page } from "@playwright/test";

export interface Hand {
  press(target: Locator): Promise<void>;
  /** Chooses a radio button or ticks a box. */
  choose(target: Locator): Promise<void>;
  write(target: Locator, text: string): Promise<void>;
  /** Puts a chip into the box with a number, from 0. */
  place(chip: Locator, lid: Locator, box: number): Promise<void>;
}

export class Mouse implements Hand {
  press = (target: Locator) => target.click();
  choose = (target: Locator) => target.check();
  write = (target: Locator, text: string) => target.fill(text);
  async place(chip: Locator, lid: Locator): Promise<void> {
    await chip.click();
    await lid.click();
  }
}

export class Finger implements Hand {
  press = (target: Locator) => target.tap();
  choose = (target: Locator) => target.tap();
  write = (target: Locator, text: string) => target.fill(text);
  async place(chip: Locator, lid: Locator): Promise<void> {
    await chip.tap();
    await lid.tap();
  }
}

export class Keyboard implements Hand {
  readonly #page: Page;
  constructor(page: Page) {
    this.#page = page;
  }

  /** Tab until the focus is there. */
  async #reach(target: Locator): Promise<void> {
    await expect(target).toBeVisible();
    for (let i = 0; i < 400; i++) {
      if (await target.evaluate((element) => element === document.activeElement)) return;
      await this.#page.keyboard.press("Tab");
    }
    throw new Error(`the focus never came to ${target}`);
  }

  async press(target: Locator): Promise<void> {
    await expect(target).toBeEnabled();
    await this.#reach(target);
    await this.#page.keyboard.press("Enter");
  }

  async choose(target: Locator): Promise<void> {
    if ((await target.getAttribute("type")) === "checkbox") {
      await this.#reach(target);
      await this.#page.keyboard.press("Space");
      return;
    }
    // Tab reaches a group of radio buttons, the arrows choose within it.
    const name = await target.getAttribute("name");
    const group = this.#page.locator(`input[name="${name}"]`);
    for (let i = 0; i < 400; i++) {
      if (await group.evaluateAll((all) => all.includes(document.activeElement as HTMLElement as never))) break;
      await this.#page.keyboard.press("Tab");
    }
    await this.#page.keyboard.press("Space");
    for (let i = 0; i < 12 && !(await target.isChecked()); i++) await this.#page.keyboard.press("ArrowDown");
    await expect(target).toBeChecked();
  }

  async write(target: Locator, text: string): Promise<void> {
    await this.#reach(target);
    await this.#page.keyboard.type(text);
  }

  async place(chip: Locator, _lid: Locator, box: number): Promise<void> {
    await this.#reach(chip);
    await this.#page.keyboard.press(String(box + 1));
  }
}
