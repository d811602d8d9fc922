// SPDX-License-Identifier: Apache-2.0
// Recordings as nobody would make them, made up here: each is served, collected by a real agent, and has a page; or
// it is said why not. One that is broken holds up none of the others.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { simulator, udpIsFree } from '../../deploy/dev/instance.mjs';
import { mend, serve } from '../../deploy/dev/snmprec.mjs';
import { assert, atEnd, customer, instance, invite, run, signedIn, temporaryFolder } from './harness.mjs';

const M = '1.3.6.1.2.1';
const PRINTER = `${M}.25.3.1.5`;
const tag = `O${process.pid}X`; // in each serial number, so that no other run's devices are found
const system = (descr) => [`${M}.1.1.0|4|${descr}`, `${M}.1.2.0|6|1.3.6.1.4.1.99999.1`, `${M}.1.3.0|67|100`];
const printer = (model, row = 1) => [`${M}.25.3.2.1.2.${row}|6|${PRINTER}`, `${M}.25.3.2.1.3.${row}|4|${model}`, `${M}.25.3.2.1.5.${row}|2|2`, `${M}.25.3.5.1.1.${row}|2|3`];
const serial = (name, row = 1) => `${M}.43.5.1.1.17.${row}|4|${tag}${name}`;
const supply = (i, level, { row = 1, capacity = 100 } = {}) => [[4, 3], [5, 21], [7, 19], [8, capacity], [9, level]].map(([column, value]) => `${M}.43.11.1.1.${column}.${row}.${i}|2|${value}`);
const text = (...lines) => `${lines.flat(Infinity).join('\n')}\n`;

// Name → the recording; what the agent must say of it; and what its page must show.
const odd = {
	empty: { is: '', says: /identity=entry/ },
	'only-sysdescr': { is: text(`${M}.1.1.0|4|${tag} alone`), says: new RegExp(`model="${tag} alone"`) },
	'no-printer-row': { is: text(system('No row'), serial('NOROW'), supply(1, 5)), says: /identity=serial/, shows: /NOROW/ },
	'no-name': { is: text(printer('').slice(0, 1), `${M}.43.10.2.1.4.1.1|65|5`), says: /model=- identity=entry/ },
	'huge-ids': { is: text(system('Huge'), printer('Huge', 4294967295), serial('HUGE', 4294967295), supply(4294967295, 7, { row: 4294967295 })), says: /identity=serial/, shows: /HUGE/ },
	negative: { is: text(system('Negative'), printer('Negative'), serial('NEGATIVE'), [-1, -2, -3, -77, -2147483648].map((level, i) => supply(i + 1, level, { capacity: -level }))), says: /identity=serial/, shows: /NEGATIVE/ },
	counter64: { is: text(system('Counter'), printer('Counter'), serial('COUNTER'), `${M}.43.10.2.1.3.1.1|2|7`, `${M}.43.10.2.1.4.1.1|70|18446744073709551615`), says: /identity=serial/, shows: /COUNTER/ },
	'bad-utf8': { is: text(`${M}.1.1.0|4x|4e6fff80c3`, `${M}.25.3.2.1.3.1|4x|c3284f6464e28200ff`, `${M}.43.11.1.1.6.1.1|4x|80818283`, `${M}.43.5.1.1.17.1|4x|ff00fe`), says: /identity=entry/ },
	'empty-values': { is: text(`${M}.1.1.0|4|`, `${M}.25.3.2.1.3.1|4|`, `${M}.43.5.1.1.17.1|4|`, `${M}.25.3.5.1.2.1|4|`, `${M}.43.12.1.1.4.1.1|4|`), says: /identity=entry/ },
	'wrong-types': { is: text(`${M}.1.1.0|2|42`, `${M}.1.2.0|4|no oid`, `${M}.25.3.2.1.2.1|4|printer`, `${M}.25.3.2.1.3.1|2|7`, `${M}.25.3.2.1.5.1|4|running`, `${M}.25.3.5.1.2.1|2|64`, `${M}.43.5.1.1.17.1|2|12345`, `${M}.43.11.1.1.9.1.1|4|half`, `${M}.2.2.1.6.1|2|5`), says: /model=- identity=entry state=unknown/ },
	'several-rows': { is: text(system('Several'), `${M}.25.3.2.1.2.1|6|${M}.25.3.1.3`, printer('Second', 7), printer('Third', 9), serial('SECOND', 7), serial('THIRD', 9)), says: /model=Second identity=serial/, shows: /SECOND/ },
	'many-supplies': { is: text(system('Many'), printer('Many'), serial('MANY'), Array.from({ length: 200 }, (_, i) => supply(i + 1, i % 101))), says: /identity=serial/, shows: /MANY/ },
	gaps: { is: text(system('Gaps'), printer('Gaps'), serial('GAPS'), [2, 17, 65000].map((i) => supply(i, i % 100))), says: /identity=serial/, shows: /GAPS/ },
	long: { is: text(system('L'.repeat(60000)), printer('W'.repeat(5000)), `${M}.43.5.1.1.17.1|4|${'S'.repeat(3000)}`), says: /device-collected/ },
	crlf: { is: text(system('Line ends'), printer('Line ends'), serial('CRLF')).replaceAll('\n', '\r\n'), says: /model="Line ends" identity=serial/, shows: /CRLF/ },
	unsorted: { is: text([...system('Unsorted'), ...printer('Unsorted'), serial('UNSORTED')].reverse()), says: /model=Unsorted identity=serial/, shows: /UNSORTED/ },
	'broken-lines': { is: `no record\n${text(system('Broken'), printer('Broken'), serial('BROKEN'))}a|b|c\n\x00\x01\n`, says: /model=Broken identity=serial/, shows: /BROKEN/ },
	context: { is: text(system('Context'), printer('Context')), says: /identity=serial/, shows: /INNER/ },
	'below/one': { is: text(system('Below'), printer('Below'), serial('BELOW')), says: /identity=serial/, shows: /BELOW/ },
};
const more = { 'context@Inner.snmprec': text(serial('INNER')), 'context@Other.snmprec': text(supply(1, 5)), 'lonely@Context.snmprec': text(serial('LONELY')), '@x.snmprec': text(serial('NOBODY')), 'UPPER.SNMPREC': text(system('Upper'), printer('Upper'), serial('UPPER')) };

const folder = temporaryFolder();
for (const [name, contents] of [...Object.entries(odd).map(([one, { is }]) => [`${one}.snmprec`, is]), ...Object.entries(more)]) {
	const file = path.join(folder, 'made', name);
	fs.mkdirSync(path.dirname(file), { recursive: true });
	fs.writeFileSync(file, contents, 'latin1');
}
fs.mkdirSync(path.join(folder, 'made/folder.snmprec'));
fs.symlinkSync('/nonexistent', path.join(folder, 'made/dangling.snmprec'));
const { devices, remarks } = serve(path.join(folder, 'made'), path.join(folder, 'served'));
const entryOf = (name) => devices.find(({ entry }) => entry === name || entry.startsWith(`${name.replace('/', '_')}-`)).entry;

const port = await udpIsFree(0);
fs.mkdirSync(path.join(folder, 'cache'));
const [program, ...args] = simulator(path.join(folder, 'served'), path.join(folder, 'cache'), port);
const simulated = spawn(program, args, { stdio: 'ignore' });
atEnd(() => simulated.kill());
fs.mkdirSync(path.join(folder, 'state'), { mode: 0o700 });
fs.writeFileSync(path.join(folder, 'devices.conf'), devices.map(({ entry, community, context }) => `[${entry}]\naddress = 127.0.0.1\nport = ${port}\ncommunity = ${community}\n${context ? `context = ${context}\n` : ''}timeout = 2000\nretries = 5\n`).join('\n'));
const config = path.join(folder, 'agent.conf');
fs.writeFileSync(config, `[agent]\nstate = ${folder}/state\ndevices = ${folder}/devices.conf\nconnect_to = ${instance.connect}\n`);
fs.writeFileSync(path.join(folder, 'invitation'), `${await invite('dc', customer())}\n`, { mode: 0o600 });
const agent = (...flags) => run(path.join(instance.build, 'fleetport-dc-agent'), ['--config', config, ...flags], { timeout: 120000 });
await agent('--enroll', path.join(folder, 'invitation'));
atEnd(() => agent('--leave').catch(() => {}));
const { stderr: said } = await agent('--once');

test('what cannot be served is said, and nothing else is left out', () => {
	for (const line of [/^@x\.snmprec .*left out/, /^dangling\.snmprec is no file: left out/, /^broken-lines\.snmprec is served without 3 of its lines/, /^context@Other\.snmprec is a second context/, /^lonely@Context\.snmprec is a context of no device/]) {
		assert.equal(remarks.filter((remark) => line.test(remark)).length, 1, `${line}: ${remarks.join('\n')}`);
	}
	assert.equal(remarks.length, 5, remarks.join('\n'));
	assert.equal(devices.length, Object.keys(odd).length + 1);
});

test('served again, what has not changed stays as it is', () => {
	const times = () => fs.readdirSync(path.join(folder, 'served')).map((name) => fs.lstatSync(path.join(folder, 'served', name)).mtimeMs);
	const before = times();
	serve(path.join(folder, 'made'), path.join(folder, 'served'));
	assert.deepEqual(times(), before);
});

test('a recording that is fit is not touched; one that is not is mended: order, repeats, line ends', () => {
	assert.equal(mend('1.3.1|2|5\n1.3.1.1|4|a|b\n').mended, false);
	assert.deepEqual(mend('1.3.10|2|1\r\n1.3.9|2|2\r\n# a word\r\n1.3.9|2|3\r\n'), { text: '1.3.9|2|2\n1.3.10|2|1\n', dropped: 1, mended: true });
	assert.equal(mend('1.3.4294967296|2|1\n1.3|\n1.3.1|x|1\n').dropped, 3);
});

for (const [name, { says }] of Object.entries(odd)) {
	test(`${name}: collected, with what it tells`, () => {
		const entry = entryOf(name);
		const line = said.split('\n').find((one) => one.includes(`entry=${entry} `));
		assert.match(line ?? said, /device-collected/);
		assert.match(line, says);
	});
}

test('each that tells a serial number is on the user site under it', async () => {
	const admin = await signedIn('customer-admin', customer().name);
	for (const [name, { shows }] of Object.entries(odd).filter(([, { shows: expected }]) => expected)) {
		const { body } = await admin.get(`/devices?q=${tag}${shows.source}`);
		const [id] = /\/devices\/de_\w+/.exec(body) ?? [];
		assert.ok(id, name);
		const page = await admin.get(id);
		assert.equal(page.status, 200, name);
		assert.match(page.body, shows, name);
	}
});

test('two hundred supplies all have their level', async () => {
	const { stdout } = await agent('--dry-run');
	const made = JSON.parse(stdout).devices.find(({ serialNumber }) => serialNumber === `${tag}MANY`);
	assert.equal(made.supplies.length, 200);
	assert.deepEqual(made.supplies.map(({ level }) => level), Array.from({ length: 200 }, (_, i) => i % 101));
});
