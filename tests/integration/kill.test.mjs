// SPDX-License-Identifier: Apache-2.0
// kill -9 at random moments, fifty times each, under load: reports, pages that were recorded, and operations.
// Nothing that was acknowledged is lost or doubled.

import { test } from 'node:test';

import { forms } from '../../demo/visitor.mjs';
import { assert, customer, device, deviceIds, enrolled, instance, kill, ready, signedIn, until } from './harness.mjs';

const ROUNDS = Number(process.env.FLEETPORT_KILL_ROUNDS || 50);
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const text = (html) => html.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');

// Work that goes on until stop(): `step` is done again and again by `count` workers.
function goOn(count, step) {
	let stopped = false;
	const over = Promise.all(Array.from({ length: count }, async () => {
		while (!stopped) await step();
	}));
	over.catch(() => {}); // seen at stop()
	return async () => {
		stopped = true;
		await over;
	};
}

// A report that was not answered is sent again, the same, until it is.
function reports({ link, identity }, acknowledged) {
	return goOn(4, async () => {
		const made = device({ model: 'Kill test' });
		const report = link.report(identity, [made]);
		for (;;) {
			const answer = await link.sendReport(identity, report).catch(() => null);
			if (answer?.status === 200) {
				assert.ok(answer.json.duplicate || answer.json.accepted === 1, answer.body);
				acknowledged.push(made.serialNumber);
				return;
			}
			assert.ok(!answer || [429, 502, 503, 504].includes(answer.status), `${answer?.status} ${answer?.body}`);
			await pause(20);
		}
	});
}

// A page with data has a record; the number of the request tells which.
function views(me, acknowledged) {
	return goOn(2, async () => {
		const answer = await me.request('GET', '/devices').catch(() => null);
		if (answer?.status === 200) acknowledged.push(answer.headers['x-request-id']);
		else {
			assert.ok(!answer || [429, 502, 503, 504].includes(answer.status), `${answer?.status}`);
			await pause(20);
		}
	});
}

// The page that was answered after the form was sent is the receipt of an operation.
function orders(me, ids, acknowledged) {
	let at = 0;
	return goOn(1, async () => {
		const id = ids[at++ % ids.length];
		const page = await me.get(`/devices/${id}/operation`).catch(() => null);
		const form = page && forms(page.body).find((one) => 'key' in one.fields);
		if (form) {
			const answer = await me.send({ ...form, fields: { ...form.fields, kind: 'get-status', purpose: 'kill test' } }, { follow: false }).catch(() => null);
			if (answer?.status === 303) acknowledged.push(answer.headers.location);
		}
		await pause(100);
	});
}

async function blows(name, progress) {
	for (let round = 0; round < ROUNDS; round++) {
		const before = progress();
		const pid = await kill(name);
		await until(`${name} to be started again`, 30, () => {
			const now = instance.pid(name);
			return now && now !== pid;
		}, 20);
		// Some of the load must get through before the next blow, at a moment that differs each time.
		await until('the load to go on', 60, () => progress() > before + (round % 4), 10);
	}
	await ready();
}

// How many devices the list has of each serial number of this file's.
async function countOfDevices() {
	const admin = await signedIn('customer-admin', customer().name);
	const ids = new Map();
	for (let next = `/devices?q=T${process.pid}X`; next;) {
		const { body, status } = await admin.get(next);
		assert.equal(status, 200, next);
		for (const row of body.split('<tr').slice(1)) {
			const [serial] = /\bT\d+X\d{7}\b/.exec(row) ?? [];
			const [id] = /\bde_\w{22}\b/.exec(row) ?? [];
			if (serial && id) ids.set(serial, (ids.get(serial) ?? new Set()).add(id));
		}
		next = /<a\b[^>]*\brel="next"[^>]*>/.exec(body)?.[0].match(/href="([^"]*)"/)[1].replace(/&amp;/g, '&');
	}
	return new Map([...ids].map(([serial, all]) => [serial, all.size]));
}

// Every record of one action since then, in the log's own numbers.
async function records(action, since) {
	return instance.cli(['audit', 'search', '--action', action, '--from', new Date(since).toISOString(), '--limit', '10000']);
}

test(`${ROUNDS} times kill -9 of ingest under load: every report that was answered is there, once`, async () => {
	const agent = await enrolled();
	const acknowledged = [];
	const stop = reports(agent, acknowledged);
	await blows('ingest', () => acknowledged.length);
	await stop();
	const count = await countOfDevices();
	for (const serial of acknowledged) assert.equal(count.get(serial), 1, serial);
	assert.ok(acknowledged.length > ROUNDS, `${acknowledged.length} reports`);
});

test(`${ROUNDS} times kill -9 of audit under load: every page that was shown has its record, once`, async () => {
	const began = Date.now() - 1000;
	const me = await signedIn('customer-viewer', customer().name);
	const acknowledged = [];
	const stop = views(me, acknowledged);
	await blows('audit', () => acknowledged.length);
	await stop();
	const shown = acknowledged.slice(0, 5000);
	const seen = new Map();
	await until('the index to be written', 30, async () => {
		seen.clear();
		for (const { requestId } of await records('device.list', began)) seen.set(requestId, (seen.get(requestId) ?? 0) + 1);
		return seen.has(acknowledged.at(-1));
	});
	for (const id of shown) assert.equal(seen.get(id), 1, id);
});

test(`${ROUNDS} times kill -9 of dispatch under load: every operation that was taken ends, once, and truthfully`, async () => {
	const me = await signedIn('technician', 'Northlight Service');
	const { body } = await me.get('/devices?q=velmora');
	const ids = [...new Set([...body.matchAll(/\/devices\/(de_\w+)/g)].map(([, id]) => id))].slice(0, 12);
	assert.ok(ids.length > 0 && (await deviceIds(me)).length >= ids.length);
	const acknowledged = [];
	const stop = orders(me, ids, acknowledged);
	await blows('dispatch', () => acknowledged.length);
	await stop();
	assert.ok(acknowledged.length >= ROUNDS);
	const ended = { Succeeded: 0, Failed: 0, Rejected: 0, Expired: 0 };
	for (const path of acknowledged) {
		const said = await until(`${path} to end`, 120, async () => {
			const page = text((await me.get(path)).body);
			return /\b(Succeeded|Failed|Rejected|Expired)\b/.test(page) && page;
		});
		const [, word] = /\b(Succeeded|Failed|Rejected|Expired)\b/.exec(said);
		ended[word]++;
		const results = said.match(/\b(succeeded|failed|rejected|expired) by agent\b/g) ?? [];
		assert.ok(results.length <= 1, `${path}: ${results}`);
	}
	// The one printer that is silent by design fails; the others answer.
	assert.ok(ended.Succeeded > acknowledged.length * 0.7, JSON.stringify(ended));
});
