// SPDX-License-Identifier: Apache-2.0
// Every page in every state, rendered from made-up data (gallery.c), in a real browser.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { assertGood, assertValid, build, launch, open, schemes, sizes } from "./check.mjs";
import { serve } from "./serve.mjs";

execFileSync("make", ["-s", "-C", build, "static/assets.h", "tests/browser/gallery"], { stdio: ["ignore", "ignore", "inherit"] });
const folder = mkdtempSync(join(tmpdir(), "fleetport-gallery-"));
execFileSync(join(build, "tests/browser/gallery"), [folder]);
const names = readdirSync(folder).map((file) => basename(file, ".html")).sort();

let browser, server;
before(async () => {
	server = await serve(folder, join(build, "static/dist"));
	browser = await launch();
});
after(async () => {
	await browser?.close();
	await server?.close();
	rmSync(folder, { recursive: true });
});

for (const name of names) {
	test(`${name} is valid HTML`, async () => {
		await assertValid(readFileSync(join(folder, `${name}.html`), "utf8"), name);
	});
	for (const size of sizes) {
		for (const scheme of schemes) {
			test(`${name} is good at ${size} px, ${scheme}`, async () => {
				const context = await browser.newContext({ viewport: { width: size, height: 800 }, colorScheme: scheme });
				const page = await open(context, server.url);
				await page.goto(`${server.url}/${name}`);
				await assertGood(page, `gallery-${name}-${size}-${scheme}`);
				await context.close();
			});
		}
	}
}

test("pages are small", () => {
	for (const name of names) {
		const size = readFileSync(join(folder, `${name}.html`)).length;
		assert.ok(size < 60 * 1024, `${name}: ${size} bytes`);
	}
});

test("what was typed stays text, wherever it stands", async () => {
	const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
	const page = await open(context, server.url);
	await page.goto(`${server.url}/sign-in-error`);
	assert.equal(await page.inputValue("#name"), 'mina "><script>');
	await page.goto(`${server.url}/devices-support`);
	assert.equal(await page.inputValue("#q"), '<b>"\'&');
	assert.ok(await page.getByRole("link", { name: 'Meridian 44 <Proof> & "Co"' }).isVisible());
	assert.deepEqual(page.troubles, []);
	await context.close();
});

test("a page is read without a script as with one", async () => {
	const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, javaScriptEnabled: false });
	const page = await context.newPage();
	await page.goto(`${server.url}/operation-running`);
	assert.equal(await page.locator("meta[http-equiv=refresh]").getAttribute("content"), "5");
	assert.ok(await page.getByText("Reading counters").isVisible());
	assert.ok(await page.getByRole("button", { name: "Pause updates" }).isHidden());
	await context.close();
});

test("what refreshes itself keeps the keyboard where it is", async () => {
	const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
	const page = await open(context, server.url);
	await page.goto(`${server.url}/operation-queued`);
	const cancel = page.getByRole("button", { name: "Cancel operation" });
	await cancel.focus();
	await page.evaluate(() => { document.querySelector("#executions .steps").remove(); }); // as if a step had come since
	await page.locator("#executions .steps").waitFor();
	assert.ok(await cancel.evaluate((button) => button === document.activeElement), "it is on the same button");
	assert.equal(await page.locator("#live").getAttribute("data-state"), "on");
	assert.deepEqual(page.troubles, []);
	await context.close();
});

test("everything is reached by keyboard, the skip link first", async () => {
	const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
	const page = await open(context, server.url);
	await page.goto(`${server.url}/devices`);
	await page.keyboard.press("Tab");
	assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
	await page.keyboard.press("Enter");
	assert.equal(await page.evaluate(() => document.activeElement.id), "main");
	await page.keyboard.press("/");
	assert.equal(await page.evaluate(() => document.activeElement.id), "q");
	await context.close();
});
