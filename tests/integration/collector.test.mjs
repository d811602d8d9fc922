// SPDX-License-Identifier: Apache-2.0
// A collector as a service, through the real broker and server: orders taken back after they were sent, a server
// that is away for a while, a certificate near its end.

import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import dgram from 'node:dgram';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { simulator, udpIsFree } from '../../deploy/dev/instance.mjs';
import { asDispatch, assert, atEnd, customer, gone, instance, invite, run, temporaryFolder, until, wire } from './harness.mjs';
import { opened, operationKeys, seal, topic } from './messages.mjs';
import { printer } from './printer.mjs';
import { find, order, outcome } from './technician.mjs';

// ---- two printers of our own; the answers of the first can be slow

const folder = temporaryFolder();
const file = (...names) => path.join(folder, ...names);
for (const name of ['served', 'cache']) fs.mkdirSync(file(name));
fs.mkdirSync(file('state'), { mode: 0o700 });
const serialOf = (name) => `C${process.pid}X${name}`.toUpperCase();
for (const name of ['one', 'two']) {
	fs.writeFileSync(file('served', `${name}.snmprec`), [
		'1.1.0|4|Velmora print server', '1.3.0|67|100', '25.3.2.1.2.1|6|1.3.6.1.2.1.25.3.1.5', '25.3.2.1.3.1|4|Velmora Drift 24',
		'25.3.2.1.5.1|2|2', '25.3.5.1.1.1|2|3', `43.5.1.1.17.1|4|${serialOf(name)}`,
	].map((line) => `1.3.6.1.2.1.${line}\n`).join(''));
}
const behind = await udpIsFree(0);
const [program, ...args] = simulator(file('served'), file('cache'), behind);
const simulated = spawn(program, args, { stdio: 'ignore' });
atEnd(() => simulated.kill());
let delay = 0;
const slow = await printer((message, reply) => {
	const there = dgram.createSocket('udp4').unref(); // not all are answered: the simulator may not be there yet
	there.on('message', (answer) => {
		there.close();
		setTimeout(() => reply(answer), delay);
	});
	there.send(message, behind, '127.0.0.1');
});

// ---- the collector

const binary = path.join(instance.build, 'fleetport-dc-agent');
fs.writeFileSync(file('devices.conf'), [['one', slow], ['two', behind]].map(([name, port]) => `[${name}]\naddress = 127.0.0.1\nport = ${port}\ncommunity = ${name}\ntimeout = 5000\nretries = 2\ngroup = ${customer().groups[0].name}\n`).join('\n'));
const configure = (interval) => fs.writeFileSync(file('agent.conf'), `[agent]\nstate = ${folder}/state\ndevices = ${folder}/devices.conf\nconnect_to = ${instance.connect}\ninterval = ${interval}\njitter = 0\n`);
configure(3600);
fs.writeFileSync(file('invitation'), `${await invite()}\n`, { mode: 0o600 });
const once = (...flags) => run(binary, ['--config', file('agent.conf'), ...flags], { timeout: 60000 });
await once('--enroll', file('invitation'));
const { agent: { id: agentId }, devices } = JSON.parse((await once('--dry-run')).stdout);
atEnd(() => instance.cli(['agent', 'revoke', agentId]));

// A running collector: what it said so far, and its end.
function start() {
	const child = spawn(binary, ['--config', file('agent.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
	const ended = new Promise((resolve) => { child.on('exit', resolve); });
	const made = {
		said: '',
		says: (what, seconds = 40) => until(`the collector to say ${what}`, seconds, () => what.test(made.said), 20),
		end: async (signal = 'SIGTERM') => {
			child.kill(signal);
			await ended;
		},
	};
	child.stderr.on('data', (part) => { made.said += part; });
	atEnd(() => made.end('SIGKILL'));
	return made;
}
let collector = start();
await collector.says(/report-taken/);
await collector.says(/broker-connected/);

test('taken back after it was sent: what was not begun never runs, what has ended keeps its result', async () => {
	const keys = operationKeys();
	const at = (ms) => new Date(Date.now() + ms).toISOString();
	let number = 0;
	const message = (device) => ({
		agentId, operationId: `op_${process.pid}y${++number}`.padEnd(25, '0'), attempt: 1, kind: 'get-status',
		device: { identity: device.identity, manufacturer: 'Velmora', model: 'Drift 24' }, parameters: {}, issuedAt: at(-1000), notAfter: at(120e3), runSeconds: 100,
	});
	const [busy, waiting, early] = [message(devices[0]), message(devices[1]), message(devices[1])];
	await asDispatch(async (dispatch) => {
		assert.equal(await dispatch.subscribe('fleetport/1/+/event'), 1);
		const told = ({ operationId }) => dispatch.messages.filter((one) => one.topic === topic({ id: agentId }, 'event')).map(opened).filter((one) => one.operationId === operationId);
		const events = (operation) => told(operation).map(({ event }) => event);
		const send = async (schema, payload) => assert.ok(await dispatch.publish(topic({ id: agentId }, 'operation'), seal(keys, schema, payload)) < 16, 'the collector hears it');
		const cancel = ({ operationId, attempt }) => send('fleetport.cancel/1', { agentId, operationId, attempt, issuedAt: at(0), notAfter: at(120e3) });
		const ended = async (operation, event) => (await until(`${event} of ${operation.operationId}`, 60, () => told(operation).find((one) => one.event === event)));
		await until('the collector to be on the broker', 30, async () => await dispatch.publish(topic({ id: agentId }, 'operation'), '') < 16);

		delay = 100;
		await send('fleetport.operation/1', busy);
		await ended(busy, 'start');
		await send('fleetport.operation/1', waiting);
		await cancel(waiting);
		await cancel(early); // overtakes its operation
		await send('fleetport.operation/1', early);
		delay = 0;
		assert.equal((await ended(busy, 'result')).outcome, 'succeeded');
		assert.equal((await ended(waiting, 'cancel-result')).result, 'canceled');
		assert.equal((await ended(early, 'cancel-result')).result, 'unknown');

		const before = events(busy).length;
		await cancel(busy); // too late
		await until('the result to be told again', 20, () => events(busy).length > before);
		assert.equal(events(busy).at(-1), 'result');
		await send('fleetport.operation/1', waiting); // a repeat of what was taken back
		await until('the repeat to be answered', 20, () => events(waiting).filter((event) => event === 'cancel-result').length > 1);
		assert.deepEqual([...new Set(events(waiting))], ['receipt', 'cancel-result']);
		assert.deepEqual([...new Set(events(early))], ['cancel-result']);
		for (const operation of [busy, waiting, early]) {
			for (const { operationId, attempt, seq } of told(operation)) await send('fleetport.ack/1', { agentId, operationId, attempt, seq });
		}
	});
	assert.equal(collector.said.split(' event=start ').length, 2, 'one was begun, no other');
});

test('a server that is away: reports pile up on the disk, and all arrive, once, in their order', async () => {
	await collector.end();
	configure(10);
	const spooled = () => fs.readdirSync(file('state', 'spool')).filter((name) => name.includes('-')).sort();
	const waiting = await gone('ingest', async () => {
		collector = start();
		await until('two reports to wait', 60, () => spooled().length >= 2);
		await collector.end('SIGKILL'); // and that costs none of them
		collector = start();
		await until('three reports to wait', 60, () => spooled().length >= 3);
		assert.doesNotMatch(collector.said, /report-taken/);
		return spooled();
	});
	await until('those to be sent', 120, () => !spooled().some((name) => waiting.includes(name)), 200);
	await collector.end();
	configure(3600);
	const taken = [...collector.said.matchAll(/report-taken report=(\S+) devices=(\d+) duplicate=(\w+)/g)];
	const ids = taken.map(([, id]) => id);
	assert.equal(new Set(ids).size, ids.length, 'none is sent twice');
	// By the files' names, which begin with the time: the ids' own goes by the server's clock, known to a second.
	assert.deepEqual(ids.slice(0, waiting.length), waiting.map((name) => name.slice(-41, -5)), 'in the order in which they were stored');
	for (const [line, , count, duplicate] of taken) assert.deepEqual([count, duplicate], ['2', 'no'], line);
});

// The collector's certificate, of the same number for the same key, but made 80 days ago: ten days before its end.
async function aged(pem) {
	const time = (days) => new Date(Date.now() + days * 86400e3).toISOString().replace(/\.\d+|[-:T]/g, '');
	const { serialNumber, subject } = new crypto.X509Certificate(pem);
	fs.writeFileSync(file('index'), '');
	fs.writeFileSync(file('serial'), `${serialNumber}\n`);
	fs.writeFileSync(file('key.pem'), pem, { mode: 0o600 });
	fs.writeFileSync(file('extensions'), 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n');
	fs.writeFileSync(file('ca.conf'), `[ca]\ndefault_ca=d\n[d]\ndatabase=${file('index')}\nserial=${file('serial')}\nnew_certs_dir=${folder}\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n`);
	await run('openssl', ['req', '-new', '-key', file('key.pem'), '-subj', `/${subject}`, '-out', file('request.pem')]);
	await run('openssl', ['ca', '-batch', '-notext', '-config', file('ca.conf'), '-extfile', file('extensions'), '-cert', instance.path('secrets/agents-ca.pem'), '-keyfile', instance.path('secrets/agents-ca.key.pem'),
		'-in', file('request.pem'), '-startdate', time(-80), '-enddate', time(10), '-out', file('aged.pem')]);
	return fs.readFileSync(file('aged.pem'), 'utf8');
}

test('a certificate near its end: the collector renews it by itself and goes on with the new one, which ends the old', async () => {
	await collector.end();
	const before = fs.readFileSync(file('state', 'agent.pem'), 'utf8');
	const certificate = await aged(before);
	const { serialNumber, subject } = new crypto.X509Certificate(certificate);
	assert.equal(serialNumber, new crypto.X509Certificate(before).serialNumber);
	fs.writeFileSync(file('state', 'agent.pem'), before.replace(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----\n?/, certificate));
	collector = start();
	await collector.says(/certificate-renewed/);
	await collector.says(/report-taken/);
	const renewed = new crypto.X509Certificate(fs.readFileSync(file('state', 'agent.pem'), 'utf8'));
	assert.notEqual(renewed.serialNumber, serialNumber);
	assert.equal(renewed.subject, subject);
	assert.ok(Date.parse(renewed.validTo) > Date.now() + 80 * 86400e3, renewed.validTo);

	const link = wire();
	const old = { id: agentId, type: 'dc', version: '1.0.0', key: before, certificate };
	assert.equal((await link.sendReport(old, link.report(old, []), { agent: false })).status, 403);
	await outcome((await order(await find(serialOf('two')))).path, 'Succeeded', 60); // over MQTT, too, it is there with the new one
	await collector.end();
	collector = start();
	await collector.says(/report-taken/);
	assert.doesNotMatch(collector.said, /certificate-renewed/, 'once is enough');
});
