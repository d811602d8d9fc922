// SPDX-License-Identifier: Apache-2.0
// A remote operation all the way: a technician's click, dispatch, the broker, the agent, the printer, and back.

import crypto from 'node:crypto';
import { test } from 'node:test';

import { forms } from '../../demo/visitor.mjs';
import {
	assert, customer, device, enrolled, frozen, gone, instance, kill, mqtt, ready, signedIn, until,
} from './harness.mjs';
import { opened, seal, topic } from './messages.mjs';
import { find, order, outcome, printerOf, technician, text } from './technician.mjs';

// A device of a test agent. It names no group: the customer's default one is one that the technician may operate.
async function ownDevice() {
	const { link, identity } = await enrolled();
	const made = device();
	assert.equal((await link.sendReport(identity, link.report(identity, [made]))).json.accepted, 1);
	return { link, identity, made, id: await find(made.serialNumber) };
}

// ---- the agent's side, spoken by hand

// What an agent calls its own key is its affair (docs/decisions/052).
const ownName = (envelope) => JSON.stringify({ ...JSON.parse(envelope), keyId: 'my+only/key=' });
const event = (identity, operation, seq, name, more = {}) => ownName(seal(identity.eventKeys, 'fleetport.event/1', {
	agentId: identity.id, operationId: operation.operationId, attempt: operation.attempt, seq, event: name, at: new Date().toISOString(), ...more,
}));

// An agent that is online and hears its operations. `heard(schema)` gives those messages.
async function online(identity) {
	const client = await mqtt(identity);
	assert.equal(await client.subscribe(topic(identity, 'operation')), 1);
	await client.publish(topic(identity, 'presence'), seal(identity.eventKeys, 'fleetport.presence/1', {
		agentId: identity.id, state: 'online', at: new Date().toISOString(), version: '1.0.0', kinds: ['get-status'],
	}), { retain: true });
	return {
		client,
		heard: (schema) => client.messages.map(opened).filter((message) => message.schema === schema),
		say: (...args) => client.publish(topic(identity, 'event'), event(identity, ...args)),
		tell: (message) => client.publish(topic(identity, 'event'), message),
	};
}

test('get-status on a made-up printer: ordered on the page, read afresh, proven, with all its steps', async () => {
	const id = await printerOf();
	const answer = await order(id);
	assert.match(answer.path, /^\/operations\/rq_\w+$/);
	const said = await outcome(answer.path, 'Succeeded');
	for (const step of ['queued by support', 'sent by dispatch', 'receipt by agent', 'start by agent', 'succeeded by agent']) assert.ok(said.includes(step), step);
	assert.match(said, /Evidence/);
});

test('the same form sent twice is one operation', async () => {
	const id = await printerOf();
	const form = forms((await technician.get(`/devices/${id}/operation`)).body).find((one) => 'key' in one.fields);
	const fields = { ...form.fields, kind: 'get-status', purpose: 'twice' };
	const [a, b] = [await technician.send({ ...form, fields }), await technician.send({ ...form, fields })];
	assert.equal(a.path, b.path);
	const other = await technician.send({ ...form, fields: { ...fields, purpose: 'something else' } });
	assert.equal(other.status, 409);
});

test('what the device cannot do is refused by the server too, not by the page alone', async () => {
	const id = await printerOf();
	const { status, path } = await order(id, { kind: 'head-cleaning', strength: 'normal' });
	assert.ok(status >= 400 && status < 500, `${status} ${path}`);
	assert.ok([400, 403, 409, 422].includes((await order(id, { kind: 'explode' })).status));
});

test('nobody without the right orders anything, and learns nothing', async () => {
	const id = await printerOf();
	for (const [role, organisation] of [['auditor'], ['partner-admin', 'Tidewater Technik'], ['technician', 'Tidewater Technik']]) {
		const me = await signedIn(role, organisation).catch(() => null);
		if (!me) continue; // the support site has no page for that role's "/" that we know
		const answer = await me.request('GET', `/devices/${id}/operation`);
		assert.ok([403, 404].includes(answer.status), `${role}: ${answer.status}`);
		const missing = await me.request('GET', `/devices/de_${'0'.repeat(22)}/operation`);
		assert.equal(answer.status, missing.status);
	}
});

test('an agent of ours gets exactly what was ordered, signed; its result ends the operation', async () => {
	const { identity, id, made } = await ownDevice();
	const agent = await online(identity);
	const { path } = await order(id);
	const [operation] = await until('the operation', 15, () => agent.heard('fleetport.operation/1').length > 0 && agent.heard('fleetport.operation/1'));
	assert.equal(operation.agentId, identity.id);
	assert.equal(operation.kind, 'get-status');
	assert.deepEqual(operation.device.identity, made.identity);
	assert.ok(Date.parse(operation.notAfter) > Date.now());
	// Out of order and twice: a later phase implies the earlier ones, repeats do nothing.
	await agent.say(operation, 2, 'start');
	await agent.say(operation, 1, 'receipt');
	await agent.say(operation, 2, 'start');
	await agent.say(operation, 3, 'result', { outcome: 'succeeded', code: '', message: '' });
	await agent.say(operation, 3, 'result', { outcome: 'succeeded', code: '', message: '' });
	const said = await outcome(path, 'Succeeded');
	assert.equal(said.match(/succeeded by agent/g).length, 1);
	await until('every event to be acknowledged', 10, () => new Set(agent.heard('fleetport.ack/1').map(({ seq }) => seq)).size === 3);
});

test('events that are forged, of another agent, or of an operation that was never sent are not believed', async () => {
	const { identity, id } = await ownDevice();
	const stranger = (await enrolled()).identity;
	const agent = await online(identity);
	const { path } = await order(id);
	const [operation] = await until('the operation', 15, () => agent.heard('fleetport.operation/1').length > 0 && agent.heard('fleetport.operation/1'));
	const forged = { ...identity, eventKeys: crypto.generateKeyPairSync('ed25519') };
	const result = { outcome: 'succeeded', code: '', message: '' };
	await agent.tell(event(forged, operation, 1, 'result', result));
	const other = await mqtt(stranger);
	await other.publish(topic(stranger, 'event'), event(stranger, operation, 1, 'result', result));
	await other.publish(topic(stranger, 'event'), event({ ...stranger, id: identity.id }, operation, 1, 'result', result));
	await agent.tell(event(identity, { ...operation, operationId: `op_${'0'.repeat(22)}` }, 1, 'result', result));
	for (const rubbish of ['', '{', 'null', '{"keyId":1}', JSON.stringify({ keyId: 'x', payload: '!!', signature: '' })]) {
		await agent.tell(rubbish);
	}
	await agent.say(operation, 1, 'receipt');
	await until('the receipt', 15, async () => text((await technician.get(path)).body).includes('receipt by agent'));
	assert.doesNotMatch(text((await technician.get(path)).body), /succeeded by agent/);
	await agent.say(operation, 2, 'result', { outcome: 'rejected', code: 'busy', message: 'busy' });
	await outcome(path, 'Rejected');
});

test('a result that contradicts the end changes nothing', async () => {
	const { identity, id } = await ownDevice();
	const agent = await online(identity);
	const { path } = await order(id);
	const [operation] = await until('the operation', 15, () => agent.heard('fleetport.operation/1').length > 0 && agent.heard('fleetport.operation/1'));
	await agent.say(operation, 1, 'receipt');
	await agent.say(operation, 2, 'start');
	await agent.say(operation, 3, 'result', { outcome: 'failed', code: 'unreachable', message: 'gone' });
	await outcome(path, 'Failed');
	await agent.say(operation, 4, 'result', { outcome: 'succeeded', code: '', message: '' });
	await until('it to be acknowledged', 15, () => agent.heard('fleetport.ack/1').some(({ seq }) => seq === 4));
	assert.match(text((await technician.get(path)).body), /\bFailed\b/);
});

test('an operation for an agent that is away waits, can be taken back, and then never runs', async () => {
	const { identity, id } = await ownDevice();
	const before = await online(identity); // says what it can do
	const first = await order(id);
	const [seen] = await until('the operation', 15, () => before.heard('fleetport.operation/1').length > 0 && before.heard('fleetport.operation/1'));
	await before.say(seen, 1, 'result', { outcome: 'rejected', code: 'busy', message: 'busy' });
	await outcome(first.path, 'Rejected');
	await before.client.publish(topic(identity, 'presence'), seal(identity.eventKeys, 'fleetport.presence/1', {
		agentId: identity.id, state: 'offline', at: new Date().toISOString(), version: '1.0.0', kinds: ['get-status'],
	}), { retain: true });
	before.client.close();
	const { path } = await order(id);
	await outcome(path, 'Queued');
	const page = await technician.get(path);
	const cancel = forms(page.body).find(({ action }) => action.endsWith('/cancel'));
	assert.ok(cancel, 'it can be taken back');
	await technician.send(cancel);
	await outcome(path, 'Canceled');
	const agent = await online(identity);
	const next = await order(id);
	await until('the next operation', 15, () => agent.heard('fleetport.operation/1').length > 0);
	assert.equal(agent.heard('fleetport.operation/1').length, 1, 'only the one that was not taken back');
	assert.match(next.path, /rq_/);
});

test('broker gone: the operation waits, and goes when it is back', async () => {
	const id = await printerOf();
	const { path } = await gone('mosquitto', async () => {
		const ordered = await order(id);
		await outcome(ordered.path, 'Queued');
		return ordered;
	});
	await outcome(path, 'Succeeded', 60);
});

test('dispatch gone: the operation waits, and goes when it is back', async () => {
	const id = await printerOf();
	const { path } = await gone('dispatch', async () => order(id));
	await outcome(path, 'Succeeded', 60);
});

test('an agent killed at any moment of an operation: it ends once, and truthfully', async () => {
	const id = await printerOf();
	for (let round = 0; round < 5; round++) {
		const { path } = await order(id);
		await until('it to be under way', 15, async () => !/\bQueued\b.*\bSteps\b.*queued by support\s*Queued\s*Number/.test(text((await technician.get(path)).body)), 5);
		await kill((await ownerOf(id)));
		const said = await outcome(path, 'Succeeded', 90);
		assert.equal(said.match(/succeeded by agent/g).length, 1);
	}
	await ready();
});

// Which collector has a device, by trying: the demo's are the first customer's, then the second's, then recordings.
async function ownerOf(id) {
	const { body } = await technician.get(`/devices/${id}`);
	const said = text(body);
	if (!said.includes('Velmora')) return 'agent-recordings';
	return said.includes(customer(1).name) ? 'agent-lindgren' : 'agent-harbour';
}

test('a revoked agent gets nothing more: its operations end, the device says so', async () => {
	const { identity, id } = await ownDevice();
	const agent = await online(identity);
	await instance.cli(['agent', 'revoke', identity.id]);
	assert.equal(await agent.client.closed, 152);
	const page = await technician.get(`/devices/${id}/operation`);
	if (page.status === 200) {
		const { path } = await order(id, { kind: 'get-status' });
		if (/rq_/.test(path)) await until('it not to be sent', 15, async () => /\b(Rejected|Queued|Removed|Expired)\b/.test(text((await technician.get(path)).body)));
	}
	assert.equal(agent.heard('fleetport.operation/1').length, 0);
});

test('dispatch that hangs is noticed by nobody but the clock: the operation goes on after it', async () => {
	const id = await printerOf();
	const { path } = await frozen('dispatch', async () => {
		const ordered = await order(id);
		await outcome(ordered.path, 'Queued');
		return ordered;
	});
	await outcome(path, 'Succeeded', 90);
});
