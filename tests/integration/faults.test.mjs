// SPDX-License-Identifier: Apache-2.0
// What is away, stuck or broken: each gets a clear answer, and nothing that was acknowledged is lost.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { forms } from '../../demo/visitor.mjs';
import {
	assert, atEnd, customer, device, deviceIds, enrolled, frozen, gone, instance, kill, person, ready, run, signedIn, temporaryFolder, until, visitor,
} from './harness.mjs';

const { link, identity } = await enrolled();
const report = (devices = [device()]) => link.report(identity, devices);

// Holds a store's writer lock, as another process of ours that is stuck would.
async function withLock(store, work) {
	const holder = spawn('flock', [path.join(instance.data, `${store}.db.lock`), 'sh', '-c', 'echo held; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
	atEnd(() => { try { process.kill(-holder.pid); } catch { /* it has ended */ } });
	await new Promise((resolve) => { holder.stdout.once('data', resolve); });
	try {
		return await work();
	} finally {
		process.kill(-holder.pid);
	}
}

test('no audit process: no data, 503, and all is well when it is back', async () => {
	const me = await signedIn('customer-viewer');
	const [id] = await deviceIds(me);
	await gone('audit', async () => {
		for (const look of ['/devices', `/devices/${id}`, '/']) {
			const answer = await me.request('GET', look);
			assert.equal(answer.status, 503, look);
			assert.doesNotMatch(answer.body, /de_\w{22}/);
			assert.ok(answer.headers['retry-after'], look);
		}
	});
	await ready();
	await until('the page', 20, async () => (await me.get(`/devices/${id}`)).status === 200);
});

test('an audit process that hangs: 503 within seconds, not for ever', async () => {
	const me = await signedIn('customer-viewer');
	await frozen('audit', async () => {
		const began = Date.now();
		const answer = await me.request('GET', '/devices');
		assert.equal(answer.status, 503);
		assert.ok(Date.now() - began < 8000, `${Date.now() - began} ms`);
	});
	await until('the page', 20, async () => (await me.get('/devices')).status === 200);
});

test('every program records that it started; dispatch waits for the audit process to do so, and ends at once meanwhile', async () => {
	const starts = (from) => instance.cli(['audit', 'search', '--action', 'program.start', '--from', new Date(from).toISOString(), '--limit', '10000']);
	const all = new Set((await starts(0)).map(({ actor, source }) => `${actor} ${source}`));
	for (const name of ['user', 'support', 'ingest', 'enroll', 'dispatch']) assert.ok(all.has(`fleetport-${name} ${name}`), `${name} is in ${[...all]}`);
	const log = instance.path('log/dispatch.log');
	const began = Date.now();
	await gone('audit', async () => {
		const from = fs.statSync(log).size;
		const before = await kill('dispatch', 'SIGTERM');
		const waiting = await until('dispatch to be started again', 20, () => instance.pid('dispatch') !== before && instance.pid('dispatch'));
		await until('it to wait', 10, () => /waiting.*fleetport-audit is away/.test(fs.readFileSync(log).subarray(from).toString()));
		const asked = Date.now();
		process.kill(waiting, 'SIGTERM');
		await until('it to end', 5, () => instance.pid('dispatch') !== waiting, 20);
		assert.ok(Date.now() - asked < 3000, `${Date.now() - asked} ms`);
	});
	await until('its start to be recorded', 20, async () => (await starts(began)).filter(({ actor }) => actor === 'fleetport-dispatch').length === 1);
	await kill('dispatch', 'SIGTERM');
	const stops = ['audit', 'search', '--action', 'program.stop', '--person', 'fleetport-dispatch', '--from', new Date(began).toISOString()];
	await until('its stop to be recorded', 20, async () => (await instance.cli(stops)).length === 1);
	await ready();
});

test('a locked database: the report is refused with 503 and Retry-After, and taken when it is sent again', async () => {
	const made = report();
	const answer = await withLock('telemetry', () => link.sendReport(identity, made, { timeout: 30000 }));
	assert.equal(answer.status, 503, answer.body);
	assert.ok(answer.headers['retry-after']);
	const again = await until('the same report to be taken', 20, async () => {
		const next = await link.sendReport(identity, made);
		return next.status === 200 && next;
	});
	assert.equal(again.json.accepted, 1);
});

test('nobody signs in and nothing is ordered while its database is locked; each says 503, and works afterwards', async () => {
	const who = person('technician', 'Northlight Service');
	const me = await signedIn('technician', 'Northlight Service');
	const [id] = await deviceIds(me);
	const form = forms((await me.get(`/devices/${id}/operation`)).body).find(({ fields }) => 'key' in fields);
	const purpose = `while it is locked ${Date.now()}`;
	const order = () => me.send({ ...form, fields: { ...form.fields, kind: 'get-status', purpose } }, { follow: false });
	const next = visitor('support');
	const door = forms((await next.get('/')).body).find(({ fields }) => 'password' in fields);
	const enter = () => next.send({ ...door, fields: { ...door.fields, name: who.name, password: who.password } }, { follow: false });
	for (const [store, act] of [['operations', order], ['core', enter]]) {
		const answer = await withLock(store, act);
		assert.equal(answer.status, 503, store);
		assert.match(answer.body, /try again/);
		assert.ok(answer.headers['retry-after'], store);
		await until(`${store} to be written again`, 20, async () => (await act()).status === 303);
	}
	assert.equal((await me.get('/operations')).body.split(purpose).length, 2, 'ordered once, though it was asked for twice');
});

test('reading goes on while the database is locked for writing', async () => {
	const me = await signedIn('customer-viewer');
	await withLock('telemetry', async () => {
		const answer = await me.get('/devices');
		assert.equal(answer.status, 200);
	});
});

test('readers that come before the stores wait for them, and then serve', async () => {
	// An instance of its own: a site started on an empty folder.
	const folder = temporaryFolder();
	const config = path.join(folder, 'fleetport.conf');
	const at = (name) => path.join(folder, name);
	for (const name of ['data', 'run', 'secrets']) fs.mkdirSync(at(name), { mode: 0o700 });
	fs.writeFileSync(config, fs.readFileSync(instance.config, 'utf8').replace(/^data = .*/m, `data = ${at('data')}`)
		.replace(/^run = .*/m, `run = ${at('run')}`).replace(/^secrets = .*/m, `secrets = ${at('secrets')}`));
	await run(path.join(instance.build, 'fleetport'), ['--config', config, 'init']);
	const aside = at('data-aside');
	fs.renameSync(at('data'), aside);
	fs.mkdirSync(at('data'));
	const programs = ['audit', 'user'].map((name) => spawn(path.join(instance.build, `fleetport-${name}`), ['--config', config], { stdio: ['ignore', 'ignore', 'pipe'] }));
	atEnd(() => programs.forEach((program) => program.kill('SIGKILL')));
	let said = '';
	programs[1].stderr.on('data', (part) => { said += part; });
	await until('the site to start', 10, () => /started/.test(said));
	assert.equal(programs[1].exitCode, null, 'it waits');
	for (const name of fs.readdirSync(aside)) fs.renameSync(path.join(aside, name), path.join(at('data'), name));
	await until('the site to be ready', 20, () => /\bready\b/.test(said));
	programs.forEach((program) => program.kill('SIGTERM'));
});

test('a report that is cut off half-way is not stored, and can be sent again', async () => {
	const made = report();
	const text = JSON.stringify(made);
	await assert.rejects(link.request('POST', '/v1/reports', {
		body: text.slice(0, 100), identity, timeout: 1500, agent: false,
		headers: { 'Content-Type': 'application/json', 'Content-Length': String(text.length) },
	}));
	const answer = await link.sendReport(identity, made);
	assert.equal(answer.status, 200);
	assert.equal(answer.json.duplicate, false);
});

test('programs end quickly and cleanly when told to, and come back', async () => {
	for (const name of ['user', 'ingest', 'enroll', 'dispatch', 'audit']) {
		const pid = await until(`${name} to run`, 20, () => instance.pid(name));
		process.kill(pid, 'SIGTERM');
		const row = await until(`${name} to be started again`, 20, () => instance.status().find((one) => one.name === name && one.pid !== pid && one.state === 'running'));
		assert.equal(row.exit, 'exit 0', name);
	}
	await ready();
});

test('the log of every program has no line that looks like a secret', () => {
	const secrets = ['kek.key', 'pepper.key', 'index.key', 'operation.key'].map((name) => fs.readFileSync(instance.path('secrets', name)));
	const { people } = JSON.parse(fs.readFileSync(instance.path('demo.json'), 'utf8'));
	for (const name of fs.readdirSync(instance.path('log'))) {
		const text = fs.readFileSync(instance.path('log', name), 'latin1');
		for (const secret of secrets) {
			assert.ok(!text.includes(secret.toString('hex')) && !text.includes(secret.toString('base64').replace(/=+$/, '')), name);
		}
		for (const { password } of people) assert.ok(!text.includes(password), name);
	}
	assert.ok(customer().id);
});
