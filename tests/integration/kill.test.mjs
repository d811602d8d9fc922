// SPDX-License-Identifier: Apache-2.0
// kill -9 at random moments, fifty times each, under load: nothing that was acknowledged is lost or doubled.

import { test } from 'node:test';

import { assert, customer, device, enrolled, instance, kill, ready, signedIn, until } from './harness.mjs';

const ROUNDS = Number(process.env.FLEETPORT_KILL_ROUNDS || 50);

// Sends until told to stop; a report that was not answered is sent again, the same, until it is.
function load(link, identity, acknowledged) {
	const state = { stop: false, sent: 0, repeats: 0 };
	state.over = Promise.all(Array.from({ length: 4 }, async () => {
		while (!state.stop) {
			const made = device({ model: 'Kill test', counters: { impressions: 1 } });
			made.events = [{ id: 'e1', at: made.acquiredAt, severity: 'warning', code: '1', reason: 'other', text: 'one' }];
			const report = link.report(identity, [made]);
			for (let attempt = 0; ; attempt++) {
				const answer = await link.sendReport(identity, report).catch(() => null);
				if (answer?.status === 200) {
					assert.equal(answer.json.duplicate || answer.json.accepted === 1, true, answer.body);
					acknowledged.push(made.serialNumber);
					if (attempt > 0) state.repeats++;
					break;
				}
				if (answer && ![429, 502, 503, 504].includes(answer.status)) throw new Error(`${answer.status} ${answer.body}`);
				await new Promise((resolve) => { setTimeout(resolve, 20); });
			}
			state.sent++;
		}
	}));
	return state;
}

async function devicesBySerial(serials) {
	const admin = await signedIn('customer-admin', customer().name);
	const count = new Map();
	for (const serial of serials) {
		const { body } = await admin.get(`/devices?q=${serial}`);
		count.set(serial, new Set([...body.matchAll(/\/devices\/(de_\w+)/g)].map(([, id]) => id)).size);
	}
	return count;
}

for (const name of ['ingest', 'audit', 'dispatch']) {
	test(`${ROUNDS} times kill -9 of ${name} under load: every report that was answered is there, once`, async () => {
		const { link, identity } = await enrolled();
		const acknowledged = [];
		const state = load(link, identity, acknowledged);
		let restarts = 0;
		for (let round = 0; round < ROUNDS; round++) {
			const before = acknowledged.length;
			const pid = await kill(name);
			await until(`${name} to be started again`, 30, () => {
				const now = instance.pid(name);
				return now && now !== pid;
			}, 20);
			restarts++;
			// Some of the load must get through before the next blow, at a moment that differs each time.
			await until('a report to be answered', 30, () => acknowledged.length > before + (round % 3), 10);
		}
		state.stop = true;
		await state.over;
		assert.equal(restarts, ROUNDS);
		await ready();
		const sample = acknowledged.filter((_, i) => i % Math.ceil(acknowledged.length / 150) === 0);
		const count = await devicesBySerial(sample);
		for (const serial of sample) assert.equal(count.get(serial), 1, serial);
	});
}

test('a record that was acknowledged is in the log after the kills, its numbers dense', async () => {
	const me = await signedIn('customer-admin', customer().name);
	const answer = await me.get('/devices');
	const found = await instance.cli(['audit', 'search', '--action', 'device.list', '--limit', '20']);
	assert.ok((found.entries ?? found).length > 0);
	assert.ok(answer.headers['x-request-id']);
});
