// What is held against every page: no error in the console, no request to elsewhere, no rule of WCAG 2.2 AA
// broken, nothing wider than the screen, nothing run that an operator wrote into a field.
import axe from "axe-core";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const WIDTHS = { wide: 1280, narrow: 390 };

export class Watch {
  constructor(site, out) {
    Object.assign(this, { site, out, faults: [], looked: 0 });
  }

  fault(text) {
    console.error(`fault: ${text}`);
    this.faults.push(text);
  }

  /** Listens to a page for as long as it lives. */
  listen(page, who) {
    page.on("pageerror", (error) => this.fault(`${who}, ${page.url()}: ${error}`));
    page.on("dialog", (dialog) => (this.fault(`${who}, ${page.url()}: a dialog: ${dialog.message()}`), dialog.dismiss()));
    page.on("console", (message) => {
      // A refused form is told by Chromium as a resource that failed: the page itself, and nothing in it.
      const path = message.location().url.slice(this.site.length);
      const refusal = /^\/(en|ko)\//.test(path) && /status of 4(00|01|03|04|09|22)/.test(message.text());
      if (message.type() === "error" && !refusal) this.fault(`${who}, ${page.url()}: console: ${message.text()}`);
    });
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(this.site) && !url.startsWith("data:")) this.fault(`${who}, ${page.url()}: asks ${url}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 500) this.fault(`${who}: ${response.status()} from ${response.url()}`);
    });
  }

  /** Looks at a page in both widths, and in the other language if it has one. */
  async look(page, name) {
    for (const language of ["en", "ko"]) {
      const here = page.url();
      const there = this.other(here, language);
      if (there === null) continue;
      const visitor = there === here ? page : await page.context().newPage();
      if (visitor !== page) {
        this.listen(visitor, name);
        await visitor.goto(there);
      }
      for (const [width, pixels] of Object.entries(WIDTHS)) {
        await visitor.setViewportSize({ width: pixels, height: 900 });
        await visitor.screenshot({ path: `${this.out}/${name}-${language}-${width}.png`, fullPage: true });
        const across = await visitor.evaluate(() => document.documentElement.scrollWidth);
        if (across > pixels) this.fault(`${name} (${language}): ${across} pixels across on a screen of ${pixels}`);
      }
      await visitor.setViewportSize({ width: WIDTHS.wide, height: 900 });
      await this.rules(visitor, `${name} (${language})`);
      if (visitor !== page) await visitor.close();
    }
  }

  other(url, language) {
    const path = url.slice(this.site.length);
    if (/^\/(en|ko)\//.test(path)) return `${this.site}/${language}/${path.slice(4)}`;
    const site = /^(\/seasons\/[^/]+\/site\/)(ko\/)?(.*)$/.exec(path);
    if (site) return `${this.site}${site[1]}${language === "ko" ? "ko/" : ""}${site[3]}`;
    return language === "en" ? url : null;
  }

  async rules(page, name) {
    this.looked += 1;
    await page.evaluate(axe.source);
    const found = await page.evaluate((tags) => window.axe.run({ runOnly: tags }), TAGS);
    for (const { id, help, nodes } of found.violations) {
      this.fault(`${name}: ${id}: ${help}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
    }
    if (await page.evaluate(() => window.hostile !== undefined)) this.fault(`${name}: a name was run`);
  }
}
