// SPDX-License-Identifier: Apache-2.0
// A real collector with a printer whose answers this test can hold back: what it obeys, and what becomes of an
// operation when it is killed at a moment that the test chooses.

import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { asDispatch, assert, atEnd, customer, instance, invite, run, temporaryFolder, until } from './harness.mjs';
import { opened, operationKeys, seal, topic } from './messages.mjs';
import { community, through } from './printer.mjs';
import { find, order, outcome, said } from './technician.mjs';

// ---- the printer: one of the demo's under a serial number of its own

const theirs = /^1\.3\.6\.1\.2\.1\.43\.5\.1\.1\.17\.1\|4\|(\w+)$/m.exec(fs.readFileSync(instance.path('demo/recordings', `${community}.snmprec`), 'utf8'))[1];
const serial = `T${process.pid}${Date.now()}`.slice(0, theirs.length).padEnd(theirs.length, '0'); // as long: BER counts
const held = [];
const answers = { hold: false, delay: 0 };
const port = await through((answer, reply) => {
	const mine = Buffer.from(answer.toString('latin1').replaceAll(theirs, serial), 'latin1');
	if (answers.hold) held.push(() => reply(mine));
	else setTimeout(() => reply(mine), answers.delay);
});

function goOn() {
	Object.assign(answers, { hold: false, delay: 0 });
	for (const reply of held.splice(0)) reply();
}

// ---- the collector

const folder = temporaryFolder();
const config = path.join(folder, 'agent.conf');
const program = path.join(instance.build, 'fleetport-dc-agent');
fs.mkdirSync(path.join(folder, 'state'), { mode: 0o700 });
fs.writeFileSync(path.join(folder, 'devices.conf'), ['[held]', 'address = 127.0.0.1', `port = ${port}`, `community = ${community}`,
	'timeout = 20000', 'retries = 0', `group = ${customer().groups[0].name}`, ''].join('\n'));
fs.writeFileSync(config, `[agent]\nstate = ${folder}/state\ndevices = ${folder}/devices.conf\nconnect_to = ${instance.connect}\ninterval = 3600\n`);
fs.writeFileSync(path.join(folder, 'invitation'), `${await invite()}\n`, { mode: 0o600 });
await run(program, ['--config', config, '--enroll', path.join(folder, 'invitation')]);
const { agent: { id: agentId }, devices: [{ identity }] } = JSON.parse((await run(program, ['--config', config, '--dry-run'])).stdout);
atEnd(() => instance.cli(['agent', 'revoke', agentId]));

let collector;
let log = '';
function start() {
	collector = spawn(program, ['--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
	collector.stderr.on('data', (part) => { log += part; });
}
async function killed() {
	const ended = new Promise((resolve) => { collector.once('exit', (_, signal) => resolve(signal)); });
	collector.kill('SIGKILL');
	assert.equal(await ended, 'SIGKILL');
}
const lines = (name) => log.split('\n').filter((line) => line.includes(name)).length;
start();
atEnd(killed);
const id = await until('the device to be in the list', 30, () => find(serial));

// What must hold at the end, however the collector was hit: one result, and the device was read.
async function endsOnce(path_) {
	const words = await outcome(path_, 'Succeeded', 90);
	for (const step of ['receipt by agent', 'succeeded by agent']) assert.equal(words.split(step).length, 2, `${step} once: ${words}`);
	assert.match(words, /Evidence/);
}

test('killed after the receipt, before anything was done: it is done after the restart, once', async () => {
	answers.hold = true;
	const { path: path_ } = await order(id);
	await until('the receipt', 20, async () => (await said(path_)).includes('receipt by agent'));
	await until('the printer to be asked', 20, () => held.length > 0);
	await killed();
	assert.doesNotMatch(await said(path_), /start by agent|succeeded by agent/);
	held.length = 0; // nobody is there to hear it
	goOn();
	start();
	await endsOnce(path_);
});

test('killed between start and result: the query is done again, and has one result', async () => {
	answers.delay = 150;
	const { path: path_ } = await order(id);
	await until('the start', 30, async () => {
		const words = await said(path_);
		answers.hold ||= words.includes('start by agent');
		return answers.hold;
	}, 20);
	await until('the printer to be asked', 20, () => held.length > 0);
	await killed();
	assert.doesNotMatch(await said(path_), /succeeded by agent/);
	held.length = 0;
	goOn();
	start();
	await endsOnce(path_);
});

test('forged, foreign, late and unlisted orders move nothing; one that is repeated is done once', async () => {
	const keys = operationKeys();
	const strangers = crypto.generateKeyPairSync('ed25519');
	const now = Date.now();
	const at = (ms) => new Date(now + ms).toISOString();
	let number = 0;
	const message = (more = {}) => ({
		agentId, operationId: `op_${process.pid}x${++number}`.padEnd(25, '0'), attempt: 1, kind: 'get-status',
		device: { identity, manufacturer: 'Velmora', model: 'Drift 24' }, parameters: {}, issuedAt: at(-1000), notAfter: at(60e3), runSeconds: 60, ...more,
	});
	const signed = (payload, ...as) => seal(as[0] ?? keys, 'fleetport.operation/1', payload, as[1]);
	const [forged, claimed, foreign, late, unlisted, twice] = [message(), message(), message({ agentId: `ag_${'0'.repeat(22)}` }),
		message({ issuedAt: at(-120e3), notAfter: at(-60e3) }), message({ device: { identity: { kind: 'serial', value: 'VELMORA NOBODY' }, manufacturer: 'Velmora', model: 'x' } }), message()];
	const changed = JSON.parse(signed(message()));
	changed.payload = Buffer.from(Buffer.from(changed.payload, 'base64').toString().replace('get-status', 'get-Status')).toString('base64');
	const bad = [signed(forged, strangers), signed(claimed, strangers, keys), JSON.stringify(changed), signed(foreign), '', '{', 'null', '[]', 'x'.repeat(60000)];
	const refusals = lines('message-refused');
	await asDispatch(async (dispatch) => {
		assert.equal(await dispatch.subscribe('fleetport/1/+/event'), 1);
		const told = () => dispatch.messages.filter((one) => one.topic === topic({ id: agentId }, 'event')).map(opened).filter((one) => one.operationId);
		const send = async (text) => assert.ok(await dispatch.publish(topic({ id: agentId }, 'operation'), text) < 16, 'the agent hears it');
		await until('the agent to be on the broker again', 30, async () => await dispatch.publish(topic({ id: agentId }, 'operation'), '') < 16);
		for (const text of bad) await send(text);
		for (const payload of [late, unlisted, twice, twice]) await send(signed(payload));
		const ended = (operation) => told().find((one) => one.operationId === operation.operationId && one.event === 'result');
		await until('the good one to end', 30, () => ended(twice));
		await send(signed(twice));
		await until('the repeat to be answered', 10, () => told().filter((one) => one.operationId === twice.operationId && one.event === 'result').length > 1);
		assert.deepEqual([ended(late).outcome, ended(late).code], ['expired', 'too-late']);
		assert.deepEqual([ended(unlisted).outcome, ended(unlisted).code], ['rejected', 'device-not-listed']);
		assert.equal(ended(twice).outcome, 'succeeded');
		assert.deepEqual([...new Set(told().filter((one) => one.operationId === twice.operationId).map(({ event }) => event))], ['receipt', 'start', 'result']);
		// Not a word about what could not be believed.
		assert.deepEqual([...new Set(told().map(({ operationId }) => operationId))].sort(), [late, unlisted, twice].map(({ operationId }) => operationId).sort());
		for (const { operationId, attempt, seq } of told()) {
			await send(seal(keys, 'fleetport.ack/1', { agentId, operationId, attempt, seq }));
		}
	});
	assert.ok(lines('message-refused') >= refusals + bad.length, 'each has its line in the log');
	// Done once, however often it was heard; a result of each of the other two is all that was written down.
	const steps = (operation) => log.split('\n').filter((line) => line.includes(`operation id=${operation.operationId} `)).map((line) => / event=(\S+)/.exec(line)[1]);
	assert.deepEqual([steps(twice), steps(late), steps(unlisted)], [['receipt', 'start', 'result'], ['result'], ['receipt', 'result']]);
	// And the real dispatch is obeyed as before.
	await outcome((await order(id)).path, 'Succeeded', 60);
});
