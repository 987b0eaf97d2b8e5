// One season as its three kinds of people see it.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { Wallet } from "./wallet.mjs";
import { Watch } from "./watch.mjs";

const { SITE, CHROMIUM, OUT, CANDIDATES } = process.env;
const [firstNode, secondNode] = CANDIDATES.split(" ");
const HOSTILE = `=cmd|' /C calc'!A0 <img src=x onerror="window.hostile=1">`;
const PATIENCE = 120_000;

const watch = new Watch(SITE, OUT);
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });

async function visitor(who, options = {}, wallet) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  await wallet?.into(context);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  watch.listen(page, who);
  return page;
}

const step = (text) => console.log(`${((performance.now()) / 1000).toFixed(1)} s  ${text}`);
const by = (page, name) => page.locator(`[name="${name}"]`);
const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

async function signInByWallet(page, language) {
  await page.goto(`${SITE}/${language}/sign-in`);
  await page.getByRole("button", { name: /Test Wallet/ }).click();
  await page.waitForURL(`${SITE}/${language}/home`);
}

// An operator from Korea, with a wallet.
const alpha = await visitor("alpha", { locale: "ko-KR" }, new Wallet(11));
await alpha.goto(`${SITE}/`);
assert.equal(alpha.url(), `${SITE}/ko/`, "who likes Korean best gets Korean");
await watch.look(alpha, "01-front");
await alpha.getByRole("link", { name: "Spring season" }).click();
await watch.look(alpha, "02-season-open");
await alpha.getByRole("link", { name: "내 운영자" }).click();
assert.match(alpha.url(), /\/ko\/sign-in\?next=/);
await watch.look(alpha, "03-sign-in");
await alpha.getByRole("button", { name: /Test Wallet/ }).click();
await alpha.waitForURL(`${SITE}/ko/seasons/spring/operator`);
step("alpha signed in with a wallet and came back to where it was");
await by(alpha, "id").fill("alpha");
await by(alpha, "name").fill("한빛 밸리데이터");
await press(alpha, "신청");
await watch.look(alpha, "04-operator-applied");
await by(alpha, "rpc").fill("http://192.0.2.1:8545");
await by(alpha, "region").fill("서울");
await press(alpha, "노드 등록");
await alpha.getByRole("alert").waitFor();
assert.equal(await by(alpha, "rpc").inputValue(), "http://192.0.2.1:8545", "what was typed stays");
assert.equal(await by(alpha, "rpc").getAttribute("aria-invalid"), "true");
assert.equal(await by(alpha, "region").inputValue(), "서울");
await watch.rules(alpha, "refused node");
await alpha.screenshot({ path: `${OUT}/05-node-refused-ko-wide.png`, fullPage: true });
await by(alpha, "rpc").fill(firstNode);
await press(alpha, "노드 등록");
await alpha.getByText("확인됨", { exact: true }).waitFor();
step("alpha declared its node; another machine's was refused beside its field");

// An operator without JavaScript, with a hostile name.
const wallet = new Wallet(12);
const beta = await visitor("beta", { javaScriptEnabled: false, locale: "en-US" });
await beta.goto(`${SITE}/en/sign-in`);
assert.equal(await beta.getByRole("button", { name: /wallet/i }).count(), 0, "no button that does nothing");
await by(beta, "address").fill(wallet.address);
await press(beta, "Get a text to sign");
const text = await beta.locator("#signed-message").inputValue();
await beta.screenshot({ path: `${OUT}/06-sign-in-by-hand-en-wide.png`, fullPage: true });
await beta.locator("#signed-signature").fill(new Wallet(13).sign(text));
await press(beta, "Sign in");
assert.match(await beta.getByRole("alert").innerText(), /signature/i, "somebody else's signature");
assert.equal(await beta.locator("#signed-message").inputValue(), text, "the text is still there");
await beta.locator("#signed-signature").fill(wallet.sign(text));
await press(beta, "Sign in");
assert.equal(beta.url(), `${SITE}/en/home`);
await beta.goto(`${SITE}/en/seasons/spring/operator`);
await by(beta, "id").fill("beta");
await by(beta, "name").fill(HOSTILE);
await press(beta, "Apply");
await by(beta, "rpc").fill(secondNode);
await press(beta, "Declare the node");
await beta.getByText("verified", { exact: true }).waitFor();
step("beta signed in without JavaScript, applied with a hostile name, and declared its node");

// A reviewer begins the trials.
const kim = await visitor("kim", { locale: "en-US" }, new Wallet(2));
await signInByWallet(kim, "en");
await watch.look(kim, "07-home-reviewer");
await kim.getByRole("link", { name: "Review", exact: true }).click();
await watch.look(kim, "08-review-open");
const trials = kim.locator("form", { has: kim.locator('button[value="trials"]') });
await trials.getByRole("checkbox").check();
await trials.getByRole("button").click();
await kim.locator("#live").waitFor();
step("kim began the trials");

// The operator watches, without reloading.
await alpha.goto(`${SITE}/ko/seasons/spring/operator`);
await alpha.locator("#live li").first().waitFor({ timeout: PATIENCE });
await watch.look(alpha, "09-operator-live");
await alpha.locator("#runs .tag.good").first().waitFor({ timeout: PATIENCE });
assert.equal(await alpha.locator("#live li", { hasText: "beta" }).count(), 0, "another operator's runs are not told");
step("alpha saw its runs being measured, live");

// Their pages turn by themselves: a reload of ours would meet theirs.
await kim.locator('button[value="published"]').waitFor({ timeout: PATIENCE });
await watch.look(kim, "10-review-measured");
await alpha.locator("#live").waitFor({ state: "detached" });
await watch.look(alpha, "11-operator-measured");
await alpha.locator("#runs a").first().click();
await alpha.locator("table.parts").waitFor();
assert.ok(await alpha.locator("table.parts td:nth-child(3) .piece").count(), "controls stand beside");
await watch.look(alpha, "12-run");
await alpha.goto(`${SITE}/ko/seasons/spring/review`);
await watch.look(alpha, "13-refused");
step("alpha read its result part by part with the controls beside it, and saw nothing that reviewers see");

for (const [name, verdict, reason] of [
  ["한빛 밸리데이터", "admit", "Full marks in both trials.\nSeconded by nobody, needed by nobody."],
  [HOSTILE, "waitlist", "One seat only: <b>see the list</b>."],
]) {
  await kim.goto(`${SITE}/en/seasons/spring/review`);
  await kim.getByRole("link", { name, exact: true }).click();
  await kim.locator(`[name="verdict"][value="${verdict}"]`).check();
  await by(kim, "publication").fill("7");
  await by(kim, "reason").fill(reason);
  await press(kim, "Record the decision");
  await kim.getByRole("alert").waitFor();
  assert.equal((await by(kim, "reason").inputValue()).replaceAll("\r\n", "\n"), reason, "what was typed stays");
  assert.ok(await kim.locator(`[name="verdict"][value="${verdict}"]`).isChecked());
  await by(kim, "publication").fill("1");
  await press(kim, "Record the decision");
  await kim.locator(`.decisions .tag.${verdict}`).waitFor();
}
await watch.look(kim, "14-applicant");
await kim.goto(`${SITE}/en/seasons/spring/review`);
const publish = kim.locator("form", { has: kim.locator('button[value="published"]') });
await publish.getByRole("checkbox").check();
await publish.getByRole("button").click();
await kim.locator('button[value="archived"]').waitFor();
step("kim decided and published");

// The public reads, and a correction after that is a new decision.
const reader = await visitor("reader", { locale: "fr-FR" });
await reader.goto(`${SITE}/`);
assert.equal(reader.url(), `${SITE}/en/`);
await reader.getByRole("link", { name: "Spring season" }).click();
await watch.look(reader, "15-season-published");
await reader.getByRole("link", { name: "Decisions" }).click();
await watch.look(reader, "16-decisions");
await reader.getByRole("link", { name: "Admission list" }).click();
await reader.locator(".tag.admit").first().waitFor();
assert.ok((await reader.getByText(HOSTILE).count()) > 0, "a name stands as it was written");
await watch.look(reader, "17-admission");
await reader.goto(`${SITE}/seasons/spring/site/index.html`);
assert.equal(await reader.locator(".board tbody .who", { hasText: "한빛 밸리데이터" }).count(), 1);
await watch.look(reader, "18-ranked-list");
const csv = await (await reader.request.get(`${SITE}/seasons/spring/site/admission.csv`)).text();
const json = await (await reader.request.get(`${SITE}/seasons/spring/site/admission.json`)).json();
assert.match(csv, /alpha/);
assert.ok(csv.includes("calc"), "the name that is a formula is in it");
assert.doesNotMatch(csv, /(^|,)"?[=+@]/m, "no cell begins as a formula");
assert.ok(JSON.stringify(json).includes("admit"));
await reader.goto(`${SITE}/en/seasons/nowhere`);
await watch.look(reader, "19-not-found");
await kim.getByRole("button", { name: "Sign out" }).click();
await kim.goto(`${SITE}/en/home`);
assert.match(kim.url(), /\/en\/sign-in\?next=/, "who has signed out is out");
step("the public read the list; kim signed out");

await browser.close();
console.log(`${watch.looked} looks by axe, ${watch.faults.length} faults; pictures in ${OUT}`);
process.exitCode = watch.faults.length ? 1 : 0;
