// SPDX-License-Identifier: Apache-2.0
// The two sites of a running instance ($FLEETPORT_DEV), as people see them: through nginx, with the
// demo's printers, on a phone and on a desk, light and dark.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { assertGood, assertValid, launch, open, schemes, sizes } from "./check.mjs";
import { policy } from "./serve.mjs";

assert.ok(process.env.FLEETPORT_DEV, "FLEETPORT_DEV names the folder of a running instance");
const demo = JSON.parse(readFileSync(join(process.env.FLEETPORT_DEV, "demo.json"), "utf8"));

function person(site, role) {
	const found = demo.people.find((one) => one.site === site && one.role === role);
	assert.ok(found, `the demo has a ${role} on the ${site} site`);
	return { ...found, url: demo[site].url };
}

const people = {
	customer: person("user", "customer-admin"),
	technician: person("support", "technician"),
	auditor: person("support", "auditor"),
};
const states = {}; // cookies of those who signed in

let browser;
before(async () => {
	browser = await launch();
});
after(async () => {
	await browser?.close();
});

const wide = { width: 1280, height: 800 };

async function enter(options = {}) {
	return browser.newContext({ viewport: wide, ignoreHTTPSErrors: true, ...options });
}

async function fillIn(page, name, password) {
	await page.fill("#name", name);
	await page.fill("#password", password);
	await Promise.all([page.waitForNavigation(), page.click("form[action='/session'] button")]);
}

/** Runs `work(page)` as one of `people`, who signs in at first. */
async function as(who, options, work) {
	const { url, name, password } = people[who];
	if (states[who] === undefined) {
		const context = await enter();
		const page = await open(context, url);
		await page.goto(url);
		await fillIn(page, name, password);
		assert.ok(await page.getByRole("button", { name: "Sign out" }).isVisible(), `${who} is signed in`);
		assert.deepEqual(page.troubles, []);
		states[who] = await context.storageState();
		await context.close();
	}
	const context = await enter({ ...options, storageState: states[who] });
	const page = await open(context, url);
	try {
		await work(page, url);
	} finally {
		await context.close();
	}
}

/** Where a link leads. */
async function linkOf(page, url, path, selector) {
	await page.goto(url + path);
	return page.locator(selector).first().getAttribute("href");
}

const firstDevice = ".device-name a";
const pages = [
	["user-fleet", "customer", async () => "/"],
	["user-devices", "customer", async () => "/devices"],
	["user-devices-found", "customer", async () => "/devices?q=a&sort=supply"],
	["user-devices-none", "customer", async () => "/devices?q=no-such-printer-anywhere"],
	["user-device", "customer", (page, url) => linkOf(page, url, "/devices", firstDevice)],
	["user-records-events", "customer", async (page, url) => `${await linkOf(page, url, "/devices", firstDevice)}/records`],
	["user-records-jobs", "customer", async (page, url) => `${await linkOf(page, url, "/devices", firstDevice)}/records?of=jobs`],
	["user-device-error", "customer", (page, url) => linkOf(page, url, "/devices?attention=error", firstDevice)],
	["user-device-silent", "customer", (page, url) => linkOf(page, url, "/devices?state=silent", firstDevice)],
	["support-work", "technician", async () => "/"],
	["support-devices", "technician", async () => "/devices"],
	["support-device", "technician", (page, url) => linkOf(page, url, "/devices", firstDevice)],
	["support-operation-new", "technician", async (page, url) => `${await linkOf(page, url, "/devices", firstDevice)}/operation`],
	["support-operations", "technician", async () => "/operations"],
	["support-audit", "auditor", async () => "/audit"],
];

for (const [name, who, find] of pages) {
	let path;
	test(`${name} is valid HTML, under the policy`, async () => {
		await as(who, {}, async (page, url) => {
			path = await find(page, url);
			assert.ok(path, `${name} has an address`);
			const answer = await page.goto(url + path);
			assert.equal(answer.status(), 200);
			assert.equal(answer.headers()["content-security-policy"], policy);
			assert.equal(answer.headers()["cache-control"], "no-store");
			const html = await answer.text();
			await assertValid(html, name);
			assert.ok(html.length < 100 * 1024, `${name}: ${html.length} bytes`);
		});
	});
	for (const width of sizes) {
		for (const colorScheme of schemes) {
			test(`${name} is good at ${width} px, ${colorScheme}`, async () => {
				await as(who, { viewport: { width, height: 800 }, colorScheme }, async (page, url) => {
					await page.goto(url + path);
					await assertGood(page, `${name}-${width}-${colorScheme}`);
				});
			});
		}
	}
}

for (const site of ["user", "support"]) {
	test(`a stranger finds one plain form on the ${site} site, whatever was asked for`, async () => {
		const url = demo[site].url;
		for (const width of sizes) {
			for (const colorScheme of schemes) {
				const context = await enter({ viewport: { width, height: 800 }, colorScheme });
				const page = await open(context, url);
				const answer = await page.goto(url);
				await assertValid(await answer.text(), `${site}-sign-in`);
				await assertGood(page, `${site}-sign-in-${width}-${colorScheme}`);
				await page.goto(`${url}/devices`);
				assert.equal(await page.locator("form[method=post] input[type=password]").count(), 1);
				await context.close();
			}
		}
	});
}

test("a wrong password says so, keeps the name, and gives nothing away", async () => {
	const { url, name } = people.customer;
	const context = await enter();
	const page = await open(context, url);
	await page.goto(url);
	await fillIn(page, name, "not the password at all");
	const known = await page.getByRole("alert").innerText();
	assert.equal(await page.inputValue("#name"), name);
	assert.equal(await page.inputValue("#password"), "");
	await fillIn(page, "nobody-of-that-name", "not the password at all");
	assert.equal(await page.getByRole("alert").innerText(), known);
	await context.close();
});

test("signing in, looking and signing out work without a script", async () => {
	const { url, name, password } = people.customer;
	const context = await enter({ javaScriptEnabled: false });
	const page = await context.newPage();
	await page.goto(`${url}/devices`);
	await fillIn(page, name, password);
	await page.goto(`${url}/devices`);
	await page.fill("#q", "a");
	await page.getByRole("button", { name: "Show" }).click();
	assert.match(page.url(), /[?&]q=a(&|$)/);
	assert.ok(await page.locator("table.list tbody tr").count() > 0);
	await page.getByRole("button", { name: "Sign out" }).click();
	await page.goto(`${url}/devices`);
	assert.equal(await page.locator("#password").count(), 1);
	await context.close();
});

test("the list of devices is searched, filtered, sorted and paged by links that can be kept", async () => {
	await as("customer", {}, async (page, url) => {
		await page.goto(`${url}/devices`);
		const name = await page.locator(firstDevice).first().innerText();
		await page.fill("#q", name);
		await page.press("#q", "Enter");
		await page.waitForURL(/[?&]q=/);
		assert.ok((await page.locator(firstDevice).allInnerTexts()).includes(name));
		await page.goto(`${url}/devices`);
		await page.getByRole("columnheader", { name: "Lowest supply" }).getByRole("link").click();
		await page.waitForURL(/sort=supply/);
		assert.equal(await page.locator("th[aria-sort=ascending]").innerText(), "Lowest supply");
		const levels = (await page.locator(".level").allInnerTexts()).map((text) => parseInt(text, 10));
		assert.deepEqual(levels, [...levels].sort((a, b) => a - b));
		await page.selectOption("#state", "error");
		await page.waitForURL(/state=error/);
		const shown = await page.locator("table.list .state").allInnerTexts();
		assert.ok(shown.length > 0 && shown.every((text) => text.trim() === "Error"), shown.join());
	});
});

test("every device's page is valid and fits a phone, whatever the printer said", async () => {
	await as("customer", { viewport: { width: 360, height: 800 } }, async (page, url) => {
		const paths = [];
		for (let next = "/devices"; next !== null;) {
			await page.goto(url + next);
			paths.push(...await page.locator(firstDevice).evaluateAll((links) => links.map((link) => link.getAttribute("href"))));
			const more = page.locator("a[rel=next]");
			next = await more.count() > 0 ? await more.getAttribute("href") : null;
		}
		assert.equal(new Set(paths).size, paths.length, "a device is listed once");
		for (const path of paths) {
			const answer = await page.goto(url + path);
			assert.equal(answer.status(), 200, path);
			await assertValid(await answer.text(), path);
			const wide = await page.evaluate(() => document.documentElement.scrollWidth);
			assert.ok(wide <= 360, `${path} (${await page.title()}): ${wide} px wide`);
		}
		assert.deepEqual(page.troubles, []);
	});
});

test("the page for a device that is not there is good", async () => {
	await as("customer", {}, async (page, url) => {
		const answer = await page.goto(`${url}/devices/de_0000000000000000000000`);
		assert.equal(answer.status(), 404);
		await assertValid(await answer.text(), "not-found");
		page.troubles.length = 0; // the console tells of the 404 itself
		await assertGood(page, "user-not-found-1280-light");
	});
});

/** Chooses a device on which "Read status now" can be done; the path of its operation page. */
async function findOperable(page, url) {
	await page.goto(`${url}/devices?state=idle`);
	const paths = await page.locator(firstDevice).evaluateAll((links) => links.map((link) => link.getAttribute("href")));
	for (const path of paths) {
		await page.goto(`${url}${path}/operation`);
		if (await page.locator("input[name=kind][value=get-status]:enabled").count() > 0)
			return path;
	}
	return null;
}

test("an operation is sent, followed to its end, and looked at", async () => {
	let path;
	await as("technician", {}, async (page, url) => {
		assert.ok(await findOperable(page, url), "a device can be asked for its status");
		await page.check("input[name=kind][value=get-status]");
		await page.fill("#purpose", "Browser test");
		await page.getByRole("button", { name: "Send operation" }).click();
		await page.waitForURL(/\/operations\/rq_/);
		path = new URL(page.url()).pathname;
		await page.locator(".execution .card-head .state", { hasText: /Succeeded|Failed/ }).waitFor({ timeout: 90000 });
		assert.equal((await page.locator(".execution .card-head .state").innerText()).trim(), "Succeeded");
		assert.deepEqual(page.troubles, []);
	});
	for (const width of sizes) {
		for (const colorScheme of schemes) {
			await as("technician", { viewport: { width, height: 800 }, colorScheme }, async (page, url) => {
				const answer = await page.goto(url + path);
				await assertValid(await answer.text(), "support-operation");
				await assertGood(page, `support-operation-${width}-${colorScheme}`);
			});
		}
	}
});
