// SPDX-License-Identifier: Apache-2.0
// The real broker with our plugin: who may connect, subscribe, publish, and how fast a revoked agent is out.

import { test } from 'node:test';

import { assert, asDispatch, atEnd, dispatchIdentity, enrolled, instance, mqtt, run, until } from './harness.mjs';

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

test('Debian\'s own client gets through the port like an agent of ours', async () => {
	const { identity } = await enrolled();
	const fs = await import('node:fs');
	const folder = fs.mkdtempSync('/tmp/fp-test-');
	atEnd(() => fs.rmSync(folder, { recursive: true }));
	fs.writeFileSync(`${folder}/cert.pem`, identity.certificate);
	fs.writeFileSync(`${folder}/key.pem`, identity.key, { mode: 0o600 });
	const { stdout } = await run('mosquitto_pub', ['-V', '5', '-h', '127.0.0.1', '-p', String(instance.port), '--cafile', instance.caFile, '--tls-alpn', 'mqtt',
		'--cert', `${folder}/cert.pem`, '--key', `${folder}/key.pem`, '-d', '-q', '1', '-t', topic(identity, 'event'), '-m', 'x'], { timeout: 15000 });
	assert.match(stdout, /received PUBACK/);
});
