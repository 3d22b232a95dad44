// Opens reports in Chromium and says, as one JSON line each, what a reader would meet:
//   node browser.mjs CHROMIUM OUT FILE...
// Each file is opened at three widths, in light and dark; first screens are saved as
// OUT/NAME-WIDTH.png, and the page is printed. axe-core judges accessibility.
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [chromium, out, ...files] = process.argv.slice(2);
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const screens = [
  { name: "phone", width: 390, height: 844 },
  { name: "tablet", width: 820, height: 1180 },
  { name: "desk", width: 1280, height: 800 },
];

const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
for (const file of files) {
  const name = basename(file, ".html");
  const url = pathToFileURL(file).href;
  const found = { name, console: [], requests: [], overflow: [], hidden: [], accessibility: [], scripted: false, pdf: 0 };

  const page = await browser.newPage();
  page.on("console", (m) => found.console.push(m.text()));
  page.on("pageerror", (e) => found.console.push(String(e)));
  page.on("request", (r) => r.url() !== url && found.requests.push(r.url()));
  for (const scheme of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    for (const s of screens) {
      await page.setViewport({ width: s.width, height: s.height });
      await page.goto(url, { waitUntil: "load" });
      const seen = await page.evaluate(() => ({
        wide: document.documentElement.scrollWidth - window.innerWidth,
        bottoms: ["h1", ".headline", ".money"].map((q) => document.querySelector(q)?.getBoundingClientRect().bottom ?? 0),
        cards: Math.max(...[...document.querySelectorAll(".card")].map((c) => c.getBoundingClientRect().bottom)),
      }));
      if (seen.wide > 0) found.overflow.push(`${s.name}: ${seen.wide} px too wide`);
      if (Math.max(...seen.bottoms) > s.height) found.hidden.push(`${s.name}: verdict or money below the first screen`);
      if (s.name === "desk" && seen.cards > s.height) found.hidden.push(`${s.name}: cards end at ${seen.cards}`);
      await page.screenshot({ path: join(out, `${name}-${s.name}${scheme === "dark" ? "-dark" : ""}.png`) });
    }
  }
  found.pdf = (await page.pdf({ format: "A4", printBackground: false })).length;
  // The page's policy is to refuse even a script that somebody smuggles in. What that
  // prints on the console is wanted.
  found.console = [...found.console];
  const before = found.console.length;
  await page.evaluate(() => {
    const s = document.createElement("script");
    s.textContent = "window.smuggled = true";
    document.body.append(s);
  });
  found.scripted = await page.evaluate(() => window.smuggled === true);
  found.console.length = before;
  await page.close();

  for (const scheme of ["light", "dark"]) {
    const judged = await browser.newPage();
    await judged.setBypassCSP(true);
    await judged.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await judged.setViewport({ width: 1280, height: 800 });
    await judged.goto(url);
    await judged.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
    await judged.addScriptTag({ path: axe });
    const result = await judged.evaluate(() => window.axe.run());
    for (const v of result.violations) {
      found.accessibility.push({ scheme, rule: v.id, impact: v.impact, nodes: v.nodes.length, first: v.nodes[0].html.slice(0, 200), why: v.nodes[0].failureSummary.slice(0, 300) });
    }
    await judged.close();
  }
  console.log(JSON.stringify(found));
}
await browser.close();
