// SPDX-License-Identifier: Apache-2.0
// Printers that do not answer, answer rubbish, or answer late: an agent says so in a clear line, and reports the
// others all the same.

import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { assert, customer, instance, invite, run, temporaryFolder } from './harness.mjs';
import { community, printer, simulator, through } from './printer.mjs';

const late = (ms) => through((answer, reply) => setTimeout(() => reply(answer), ms));
const folder = temporaryFolder();
const config = path.join(folder, 'agent.conf');
const agent = (...args) => run(path.join(instance.build, 'fleetport-dc-agent'), ['--config', config, ...args], { timeout: 120000 })
	.catch(({ code, stdout, stderr }) => ({ code, stdout, stderr }));

const ports = {
	good: simulator,
	silent: await printer(() => {}),
	rubbish: await printer((_, reply) => reply(Buffer.from('this is no SNMP at all'))),
	empty: await printer((_, reply) => reply(Buffer.alloc(0))),
	cut: await printer((message, reply) => reply(message.subarray(0, message.length >> 1))),
	echo: await printer((message, reply) => reply(message)), // a request is no answer
	late: await late(300),
	toolate: await late(5000),
};
fs.mkdirSync(path.join(folder, 'state'), { mode: 0o700 });
fs.writeFileSync(path.join(folder, 'devices.conf'), Object.entries(ports).map(([name, port]) => `[${name}]\naddress = 127.0.0.1\nport = ${port}\ncommunity = ${community}\ntimeout = 1000\nretries = ${['good', 'late'].includes(name) ? 3 : 0}\n`).join('\n'));
fs.writeFileSync(config, `[agent]\nstate = ${folder}/state\ndevices = ${folder}/devices.conf\nconnect_to = ${instance.connect}\n`);
fs.writeFileSync(path.join(folder, 'invitation'), `${await invite('dc', customer(1))}\n`, { mode: 0o600 });

test('an agent enrols by a file, once', async () => {
	const answer = await agent('--enroll', path.join(folder, 'invitation'));
	assert.equal(answer.code ?? 0, 0, answer.stderr);
	assert.notEqual((await agent('--enroll', path.join(folder, 'invitation'))).code ?? 0, 0);
	for (const name of fs.readdirSync(path.join(folder, 'state')).filter((file) => /key/.test(file) && !/keys\.json/.test(file))) {
		assert.equal(fs.statSync(path.join(folder, 'state', name)).mode & 0o077, 0, `${name} is its own alone`);
	}
});

test('one round over good and bad printers: the good are reported, each bad one has a line that says why', async () => {
	const { stderr } = await agent('--once');
	const line = (name) => stderr.split('\n').filter((one) => new RegExp(`entry=${name}\\b`).test(one)).join('\n');
	assert.match(line('good'), /device-collected/);
	for (const name of ['silent', 'rubbish', 'empty', 'cut', 'echo', 'toolate']) assert.match(line(name), /device-failed.*why=/, `${name}: ${stderr}`);
	assert.match(line('echo'), /no SNMP answer/);
	assert.match(stderr, /report-taken/);
});

test('one that answers late, but in time, is collected or known as the same device', async () => {
	const { stderr } = await agent('--once');
	assert.match(stderr, /device-(collected|skipped) entry=late\b/);
});

test('what it would send can be seen without sending it', async () => {
	const { stdout } = await agent('--dry-run');
	const report = JSON.parse(stdout);
	assert.equal(report.schema, 'fleetport.report/1');
	assert.equal(report.devices.length, 1);
});

test('an agent that leaves is revoked, and its keys are gone', async () => {
	const answer = await agent('--leave');
	assert.equal(answer.code ?? 0, 0, answer.stderr);
	assert.deepEqual(fs.readdirSync(path.join(folder, 'state')).filter((name) => name.endsWith('.key') || name.endsWith('.pem')), []);
	assert.notEqual((await agent('--once')).code ?? 0, 0);
});
