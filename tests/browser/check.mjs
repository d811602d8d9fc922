// SPDX-License-Identifier: Apache-2.0
// What every page is held against: valid HTML, nothing that axe finds, no violation of the policy, no
// error on the console, no request to anybody else, no sideways scrolling; and a picture of it.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
export const build = resolve(process.env.FLEETPORT_BUILD ?? join(root, ".dev/build"));
export const pictures = join(build, "screenshots");

const require = createRequire(join(build, "node_modules/"));
const { chromium } = require("playwright-core");
const { HtmlValidate, StaticConfigLoader } = require("html-validate");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const sizes = [360, 1280];
export const schemes = ["light", "dark"];

const validator = new HtmlValidate(new StaticConfigLoader({
	root: true,
	extends: ["html-validate:recommended"],
	rules: {
		"no-trailing-whitespace": "off", // of no meaning to a browser
		"void-style": "off",             // SVG elements close themselves
		"long-title": "off",             // titles carry devices' names
		"no-inline-style": "error",
		"meta-refresh": "off",           // of an operation's page, inside <noscript> only
		"require-sri": "off",            // own origin, hashed names
	},
}));

/** Chromium, without anything that goes anywhere by itself. extra: further flags. */
export async function launch(extra = []) {
	mkdirSync(pictures, { recursive: true });
	return chromium.launch({
		executablePath: process.env.FLEETPORT_CHROMIUM ?? "/usr/bin/chromium",
		args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", ...extra],
	});
}

/** A page that remembers what went wrong on it, in page.troubles. */
export async function open(context, origin) {
	const page = await context.newPage();
	page.troubles = [];
	page.on("console", (message) => {
		if (message.type() === "error" || message.type() === "warning")
			page.troubles.push(`console: ${message.text()}`);
	});
	page.on("pageerror", (error) => page.troubles.push(`script: ${error.message}`));
	page.on("request", (request) => {
		if (new URL(request.url()).origin !== origin)
			page.troubles.push(`foreign request: ${request.url()}`);
	});
	page.on("response", (response) => {
		if (response.url().includes("/static/") && response.status() !== 200)
			page.troubles.push(`${response.status()}: ${response.url()}`);
	});
	await page.addInitScript(() => {
		window.violations = [];
		document.addEventListener("securitypolicyviolation", (event) => {
			window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`);
		});
	});
	return page;
}

/** The HTML as it came, held against the standard. */
export async function assertValid(html, name) {
	const report = await validator.validateString(html, name);
	const messages = report.results.flatMap((result) => result.messages)
		.map((message) => `${message.line}:${message.column} ${message.ruleId}: ${message.message}`);
	assert.deepEqual(messages, [], `${name}: html-validate`);
}

/** Everything that is asked of a page that is shown now; it is photographed as `name`. */
export async function assertGood(page, name) {
	const width = page.viewportSize().width;
	const violations = await page.evaluate(() => window.violations);
	assert.deepEqual(violations, [], `${name}: policy`);
	const wide = await page.evaluate(() => document.documentElement.scrollWidth);
	assert.ok(wide <= width, `${name}: ${wide} px wide at ${width}`);
	await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });

	await page.evaluate(axe); // a debugger's evaluation: the page's policy does not stop it
	const found = await page.evaluate(async () => {
		const result = await window.axe.run(document, {
			runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
		});
		return result.violations.map((violation) =>
			`${violation.id}: ${violation.nodes.slice(0, 3).map((node) => node.html).join(" | ")}`);
	});
	assert.deepEqual(found, [], `${name}: axe`);
	assert.deepEqual(page.troubles, [], `${name}: troubles`);
}
