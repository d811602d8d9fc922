#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// look.mjs INSTANCE BUILD [RECORDINGS]: is the demo on the pages? Signs in on both sites as people of the demo do,
// and waits until the fleet of the first customer shows: its made-up printers, and every recorded one.

import fs from 'node:fs';

import { PRINTERS } from '../../demo/printers.mjs';
import { Visitor } from '../../demo/visitor.mjs';
import { Instance, until } from './instance.mjs';

const [dir, build, recordings] = process.argv.slice(2);
const instance = new Instance(dir, build);
const demo = JSON.parse(fs.readFileSync(instance.path('demo.json'), 'utf8'));

async function visit(role) {
	const person = demo.people.find((one) => one.role === role);
	const visitor = new Visitor({ url: demo[person.site].url, connect: demo.connect, ca: instance.ca });
	const { ok, status } = await visitor.signIn(person.name, person.password);
	if (!ok) throw new Error(`${person.name} could not sign in on the ${person.site} site (status ${status})`);
	return visitor;
}

// How many devices the whole list has, page by page.
async function devices(visitor) {
	const found = new Set();
	let path = '/devices';
	for (let pages = 0; path && pages < 50; pages++) {
		const { body, status } = await visitor.get(path);
		if (status !== 200) throw new Error(`${path} answers ${status}`);
		for (const [, id] of body.matchAll(/href="\/devices\/(de_\w+)"/g)) found.add(id);
		const next = /<a\b[^>]*\brel="next"[^>]*>/.exec(body)?.[0];
		path = next && /href="([^"]*)"/.exec(next)?.[1].replace(/&amp;/g, '&');
	}
	return found.size;
}

const expected = PRINTERS.filter((printer) => printer.customer === 'harbour').length + Number(recordings || 0);
await until('the two sites', 30, async () => {
	(await visit('technician')).close();
	return true;
});
const visitor = await visit('customer-admin');
await until(`${expected} devices on the pages`, 120, async () => (await devices(visitor)) >= expected, 500);
visitor.close();
