// SPDX-License-Identifier: Apache-2.0
// Real printers' recordings (FLEETPORT_RECORDINGS), served by snmpsim, collected by a real agent, on the pages.

import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { assert, customer, instance, run, signedIn, temporaryFolder, until } from './harness.mjs';

const folder = process.env.FLEETPORT_RECORDINGS;
const skip = folder && fs.existsSync(folder) ? false : 'FLEETPORT_RECORDINGS is not set';
const log = () => fs.readFileSync(instance.path('log/agent-recordings.log'), 'utf8').split('\n');
const entries = () => [...fs.readFileSync(instance.path('agents/recordings/devices.conf'), 'utf8').matchAll(/^\[(.+)\]$/gm)].map(([, name]) => name);

test('every recording but the contexts is in the device list, and no context is taken for a device', { skip }, () => {
	const names = fs.readdirSync(folder).filter((name) => name.endsWith('.snmprec') && !name.includes('@')).map((name) => name.slice(0, -8));
	assert.deepEqual(entries().sort(), names.sort());
});

test('each is collected, and none fails', { skip }, () => {
	const said = log();
	for (const entry of entries()) {
		assert.ok(said.some((line) => line.includes(`entry=${entry} `) && /device-(collected|skipped)/.test(line)), entry);
		assert.ok(!said.some((line) => line.includes(`entry=${entry} `) && line.includes('device-failed')), entry);
	}
});

test('each that was collected has a page with a name, a state, and what it tells', { skip }, async () => {
	const admin = await signedIn('customer-admin', customer().name);
	const models = new Map();
	for (const line of log()) {
		const [, entry, model] = /device-collected entry=(\S+) .*model=(?:"([^"]*)"|\S+)/.exec(line) ?? [];
		if (entry) models.set(entry, model ?? /model=(\S+)/.exec(line)[1]);
	}
	assert.ok(models.size > 0);
	for (const [entry, model] of models) {
		const { body } = await admin.get(`/devices?q=${encodeURIComponent(model.toLowerCase())}`);
		const [id] = /\/devices\/de_\w+/.exec(body) ?? [];
		assert.ok(id, `${entry}: ${model} is in the list`);
		const page = await admin.get(id);
		assert.equal(page.status, 200, entry);
		assert.match(page.body, /<h1>[^<]*\w/, entry);
	}
});

test('a recording never seen before, with an odd name and hardly anything in it, is taken too', { skip }, async () => {
	const made = temporaryFolder();
	fs.writeFileSync(path.join(made, 'Zwölf Töne & mehr.v1.snmprec'), '1.3.6.1.2.1.1.1.0|4|Nobody has seen me\n1.3.6.1.2.1.1.3.0|67|100\n');
	fs.writeFileSync(path.join(made, 'plain.snmprec'), '1.3.6.1.2.1.1.1.0|4|Acme Page 1\n1.3.6.1.2.1.2.2.1.3.1|2|6\n1.3.6.1.2.1.2.2.1.6.1|4x|02aabbccdd01\n');
	fs.writeFileSync(path.join(made, 'plain@Context.snmprec'), '1.3.6.1.2.1.43.11.1.1.9.1.1|2|5\n');
	fs.writeFileSync(path.join(made, 'README.txt'), 'not a recording\n');
	const before = log().length;
	await run('node', ['deploy/dev/recordings.mjs', instance.dir, instance.build, made]);
	try {
		const mine = entries();
		assert.equal(mine.length, 2);
		assert.match(fs.readFileSync(instance.path('agents/recordings/devices.conf'), 'utf8'), /\[plain\][^[]*context = Context/);
		for (const entry of mine) await until(`${entry} to be collected`, 120, () => log().slice(before - 1).some((line) => line.includes('device-collected') && line.includes(`entry=${entry} `)));
	} finally {
		await run('node', ['deploy/dev/recordings.mjs', instance.dir, instance.build, folder]);
	}
});
