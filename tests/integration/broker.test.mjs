// SPDX-License-Identifier: Apache-2.0
// The real broker with our plugin: who may connect, subscribe, publish, and how fast a revoked agent is out.

import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { makeRequest } from '../../demo/agent.mjs';
import { assert, asDispatch, device, dispatchIdentity, enrolled, instance, mqtt, run, temporaryFolder, until } from './harness.mjs';

const topic = (identity, name) => `fleetport/1/${identity.id}/${name}`;
const NOT_AUTHORIZED = 135;

test('an agent hears its own operations, and nobody else\'s', async () => {
	const [a, b] = [(await enrolled()).identity, (await enrolled()).identity];
	const mine = await mqtt(a);
	assert.equal(await mine.subscribe(topic(a, 'operation')), 1);
	await asDispatch(async (dispatch) => {
		await dispatch.publish(topic(b, 'operation'), 'for b');
		await dispatch.publish(topic(a, 'operation'), 'for a');
	});
	await until('the message', 10, () => mine.messages.length > 0);
	assert.deepEqual(mine.messages.map(({ payload }) => payload), ['for a']);
});

test('a foreign SUBSCRIBE is refused, with wildcards and without', async () => {
	const [a, b] = [(await enrolled()).identity, (await enrolled()).identity];
	const client = await mqtt(a);
	for (const filter of [topic(b, 'operation'), 'fleetport/1/+/operation', 'fleetport/#', '#', '$SYS/#', topic(a, 'event'), `$share/g/${topic(b, 'operation')}`]) {
		assert.equal(await client.subscribe(filter), NOT_AUTHORIZED, filter);
	}
});

test('an agent publishes its own events and presence only; nobody but dispatch publishes operations', async () => {
	const [a, b] = [(await enrolled()).identity, (await enrolled()).identity];
	const client = await mqtt(a);
	for (const name of ['event', 'presence', 'operation']) assert.equal(await client.publish(topic(b, name), 'x'), NOT_AUTHORIZED, name);
	assert.equal(await client.publish(topic(a, 'operation'), 'x'), NOT_AUTHORIZED);
	assert.ok(await client.publish(topic(a, 'event'), 'x') < 128);
	assert.equal(await asDispatch((dispatch) => dispatch.publish(topic(a, 'event'), 'x')), NOT_AUTHORIZED);
});

test('a second connection with the same certificate takes the place of the first; another agent\'s does not', async () => {
	const [a, b] = [(await enrolled()).identity, (await enrolled()).identity];
	const [first, other] = [await mqtt(a), await mqtt(b)];
	await mqtt(a);
	await first.closed;
	assert.equal(await other.subscribe(topic(b, 'operation')), 1);
});

test('a certificate that the agents\' CA did not sign gets no conversation', async () => {
	const { identity } = await enrolled();
	const other = { key: dispatchIdentity().key, certificate: identity.certificate };
	await assert.rejects(async () => {
		const client = await mqtt(other);
		if (client.connack !== 0) throw new Error('refused');
	});
	const none = await mqtt({}).catch(() => ({ connack: -1 }));
	assert.notEqual(none.connack, 0);
});

test('a message that is too large is refused and harms nobody', async () => {
	const { identity } = await enrolled();
	const client = await mqtt(identity);
	assert.ok(await client.publish(topic(identity, 'event'), 'x'.repeat(400 * 1024)) !== 0);
	const again = await mqtt(identity);
	assert.ok(await again.publish(topic(identity, 'event'), 'x') >= 0);
});

test('a revoked agent is put out within a second, and stays out', async () => {
	const { identity } = await enrolled();
	const client = await mqtt(identity);
	assert.equal(await client.subscribe(topic(identity, 'operation')), 1);
	await instance.cli(['agent', 'revoke', identity.id]);
	const revoked = Date.now();
	assert.equal(await client.closed, 152); // administrative action
	assert.ok(Date.now() - revoked < 1000, `${Date.now() - revoked} ms`);
	const again = await mqtt(identity);
	const code = await again.subscribe(topic(identity, 'operation'));
	assert.ok(code === NOT_AUTHORIZED || code === -1);
	assert.ok([NOT_AUTHORIZED, -1].includes(await again.publish(topic(identity, 'event'), 'x')));
	assert.equal(await again.closed, 152);
});

// An agent whose certificate was renewed: both are taken until the new one is used.
async function renewed() {
	const { link, identity } = await enrolled();
	assert.equal((await link.sendReport(identity, link.report(identity, [device()]))).status, 200);
	const request = makeRequest();
	const answer = await link.post('/v1/renew', { csr: request.csr }, { identity });
	assert.equal(answer.status, 201, answer.body);
	return { link, old: identity, fresh: { ...identity, key: request.key, certificate: answer.json.certificate } };
}

test('a certificate that a renewal replaced is put out within a second of the new one\'s first use, and stays out', async () => {
	const { link, old, fresh } = await renewed();
	const client = await mqtt(old);
	assert.equal(await client.subscribe(topic(old, 'operation')), 1, 'it holds until the new one is used');
	assert.equal((await link.sendReport(fresh, link.report(fresh, [device()]), { agent: false })).status, 200);
	const used = Date.now();
	assert.equal(await client.closed, 152); // administrative action
	assert.ok(Date.now() - used < 1000, `${Date.now() - used} ms`);

	const again = await mqtt(old);
	assert.ok([NOT_AUTHORIZED, -1].includes(await again.subscribe(topic(old, 'operation'))));
	assert.ok([NOT_AUTHORIZED, -1].includes(await again.publish(topic(old, 'event'), 'x')));
	assert.equal(await again.closed, 152);
});

test('the new certificate is taken while the old one is put out', async () => {
	const { link, old, fresh } = await renewed();
	const client = await mqtt(fresh);
	assert.equal(await client.subscribe(topic(fresh, 'operation')), 1);
	assert.equal((await link.sendReport(fresh, link.report(fresh, [device()]), { agent: false })).status, 200);
	const stale = await mqtt(old); // it takes the name's place, which the broker cannot prevent …
	await stale.subscribe(topic(old, 'operation')); // granted or not: the broker may not have looked yet
	assert.equal(await stale.closed, 152); // … but it does not stay
	const back = await mqtt(fresh);
	assert.equal(await back.subscribe(topic(fresh, 'operation')), 1);
	await asDispatch((dispatch) => dispatch.publish(topic(fresh, 'operation'), 'for the new one'));
	await until('the message', 10, () => back.messages.length > 0);
	assert.deepEqual(back.messages.map(({ payload }) => payload), ['for the new one']);
});

// A certificate of the agents' CA for that agent that ends in so many seconds (enroll's last 90 days).
async function shortLived(identity, seconds) {
	const folder = temporaryFolder();
	const file = (name) => path.join(folder, name);
	const time = (ms) => new Date(ms).toISOString().replace(/\.\d+|[-:T]/g, '');
	const request = makeRequest();
	fs.writeFileSync(file('index'), '');
	fs.writeFileSync(file('request.pem'), request.csr);
	fs.writeFileSync(file('ca.conf'), `[ca]\ndefault_ca=d\n[d]\ndatabase=${file('index')}\nnew_certs_dir=${folder}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n`);
	await run('openssl', ['ca', '-batch', '-notext', '-config', file('ca.conf'), '-cert', instance.path('secrets/agents-ca.pem'), '-keyfile', instance.path('secrets/agents-ca.key.pem'),
		'-in', file('request.pem'), '-subj', `/CN=${identity.id}`, '-startdate', time(Date.now() - 60000), '-enddate', time(Date.now() + seconds * 1000), '-out', file('certificate.pem')]);
	return { ...identity, key: request.key, certificate: fs.readFileSync(file('certificate.pem'), 'utf8') };
}

test('a certificate that runs out while it is connected is put out', async () => {
	const { identity } = await enrolled();
	const client = await mqtt(await shortLived(identity, 5));
	assert.equal(await client.subscribe(topic(identity, 'operation')), 1);
	const began = Date.now();
	assert.equal(await client.closed, 152);
	assert.ok(Date.now() - began < 12000, `${Date.now() - began} ms`);
});

test('Debian\'s own client gets through the port like an agent of ours', async () => {
	const { identity } = await enrolled();
	const folder = temporaryFolder();
	fs.writeFileSync(`${folder}/cert.pem`, identity.certificate);
	fs.writeFileSync(`${folder}/key.pem`, identity.key, { mode: 0o600 });
	const { stdout } = await run('mosquitto_pub', ['-V', '5', '-h', '127.0.0.1', '-p', String(instance.port), '--cafile', instance.caFile, '--tls-alpn', 'mqtt',
		'--cert', `${folder}/cert.pem`, '--key', `${folder}/key.pem`, '-d', '-q', '1', '-t', topic(identity, 'event'), '-m', 'x'], { timeout: 15000 });
	assert.match(stdout, /received PUBACK/);
});
