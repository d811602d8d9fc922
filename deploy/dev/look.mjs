#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// look.mjs INSTANCE BUILD [ENTRIES]: is the demo on the pages? Signs in on both sites as people of the demo do,
// and waits until the fleet of the first customer shows: its made-up printers, and the recorded ones (ENTRIES in their collector's list).

import fs from 'node:fs';

import { CUSTOMERS, PRINTERS } from '../../demo/printers.mjs';
import { Visitor } from '../../demo/visitor.mjs';
import { failInWords, Instance, until } from './instance.mjs';

const [dir, build, entries] = process.argv.slice(2);
failInWords(dir);
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

// What the collector of the recordings said of its last round: how many it reported, and what it left out and why.
function recorded() {
	const log = fs.readFileSync(instance.path('log/agent-recordings.log'), 'utf8').split('\n');
	const said = log.slice(log.findLastIndex((line) => line.includes('started program='))); // not of the list before
	const taken = said.findLastIndex((line) => line.includes('report-taken '));
	// A round that gave nothing has no report either.
	const round = said.findLastIndex((line, i) => / round collected=/.test(` ${line.slice(3)}`) && (i < taken || / collected=0 /.test(line)));
	if (round < 0) return undefined;
	const [, collected, skipped, failed] = /collected=(\d+) skipped=(\d+) failed=(\d+)/.exec(said[round]).map(Number);
	if (collected + skipped + failed < Number(entries)) return undefined;
	const left = said.slice(0, round).filter((line) => /device-(skipped|failed) /.test(line)).slice(-(skipped + failed || said.length));
	return { collected, left: skipped + failed > 0 ? left : [] };
}

// Has the collector that runs now reported? Until then its printers belong to whom they had before: a revoked
// generator, through which nothing can be ordered.
function reported(name) {
	const log = fs.readFileSync(instance.path(`log/agent-${name}.log`), 'utf8').split('\n');
	return log.slice(log.findLastIndex((line) => line.includes('started program='))).some((line) => line.includes('report-taken '));
}

async function look() {
	await until('the two sites', 30, async () => {
		(await visit('technician')).close();
		return true;
	});
	const round = Number(entries) > 0 ? await until('the recorded printers to be collected', 180, recorded, 500) : { collected: 0, left: [] };
	for (const line of round.left) console.log(`dev: ${line.replace(/^<\d>/, '')}`);
	for (const { key } of CUSTOMERS) await until(`the first report of collector ${key}`, 60, () => reported(key), 200);
	const expected = PRINTERS.filter((printer) => printer.customer === 'harbour').length + round.collected;
	const visitor = await visit('customer-admin');
	await until(`${expected} devices on the pages`, 60, async () => (await devices(visitor)) >= expected, 500);
	visitor.close();
}

try {
	await look();
} catch (error) {
	console.error(`dev: ${error.message}; see ./dev logs`);
	process.exit(75);
}
