// SPDX-License-Identifier: Apache-2.0
// The real broker with our plugin: who may connect, subscribe, publish, and how fast a revoked agent is out.

import { test } from 'node:test';

import { assert, dispatchIdentity, enrolled, instance, publish, subscribe, subscribed, until, wire } from './harness.mjs';

const topic = (identity, name) => `fleetport/1/${identity.id}/${name}`;

test('an agent hears its own operations, and nobody else\'s', async () => {
	const [a, b] = [(await enrolled()).identity, (await enrolled()).identity];
	const mine = subscribe(a, topic(a, 'operation'));
	assert.equal(await subscribed(mine), '1');
	await publish(dispatchIdentity(), topic(b, 'operation'), 'for b');
	await publish(dispatchIdentity(), topic(a, 'operation'), 'for a');
	await until('the message', 10, () => mine.messages.length > 0);
	assert.deepEqual(mine.messages, [`${topic(a, 'operation')} for a`]);
});

test('a foreign SUBSCRIBE is refused, with wildcards and without', async () => {
	const [a, b] = [(await enrolled()).identity, (await enrolled()).identity];
	for (const filter of [topic(b, 'operation'), 'fleetport/1/+/operation', 'fleetport/#', '#', '$SYS/#', topic(a, 'event'), `$share/g/${topic(b, 'operation')}`]) {
		assert.equal(await subscribed(subscribe(a, filter)), '135', filter);
	}
});

test('an agent publishes its own events and presence only; nobody but dispatch publishes operations', async () => {
	const [a, b] = [(await enrolled()).identity, (await enrolled()).identity];
	const denied = /RC:135/;
	for (const name of ['event', 'presence', 'operation']) assert.match((await publish(a, topic(b, name), 'x')).said, denied, name);
	assert.match((await publish(a, topic(a, 'operation'), 'x')).said, denied);
	assert.doesNotMatch((await publish(a, topic(a, 'event'), 'x')).said, denied);
	assert.match((await publish(dispatchIdentity(), topic(a, 'event'), 'x')).said, denied);
});

test('no certificate, no conversation', async () => {
	const server = { certificate: wire().ca, key: dispatchIdentity().key };
	const { ok } = await publish(server, 'fleetport/1/x/event', 'x');
	assert.equal(ok, false);
});

test('a message that is too large is refused and harms nobody', async () => {
	const { identity } = await enrolled();
	const { said } = await publish(identity, topic(identity, 'event'), 'x'.repeat(400 * 1024));
	assert.doesNotMatch(said, /RC:0\b/);
	assert.match((await publish(identity, topic(identity, 'event'), 'x')).said, /PUBACK/);
});

test('a revoked agent is put out within a second, and stays out', async () => {
	const { identity } = await enrolled();
	const session = subscribe(identity, topic(identity, 'operation'));
	assert.equal(await subscribed(session), '1');
	await instance.cli(['agent', 'revoke', identity.id]);
	const revoked = Date.now();
	await until('the end of the session', 5, () => /DISCONNECT \(152\)/.test(session.said), 20);
	assert.ok(Date.now() - revoked < 1000, `${Date.now() - revoked} ms`);
	session.close();
	const again = subscribe(identity, topic(identity, 'operation'));
	await until('it to be refused', 5, () => /\): 135|DISCONNECT \(152\)|refused|Error/.test(again.said));
	assert.doesNotMatch((await publish(identity, topic(identity, 'event'), 'x')).said, /RC:(0|16)\b/);
});
