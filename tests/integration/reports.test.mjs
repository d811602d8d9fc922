// SPDX-License-Identifier: Apache-2.0
// Reports, good and bad: each gets a clear answer, one bad device does not spoil the others, and nothing is lost.

import crypto from 'node:crypto';
import { test } from 'node:test';
import zlib from 'node:zlib';

import { uuid7 } from '../../demo/agent.mjs';
import { assert, customer, device, enrolled, instance, signedIn, until } from './harness.mjs';

const { link, identity } = await enrolled();
const send = (report, options) => link.sendReport(identity, report, options);
const refused = (answer, status) => {
	assert.equal(answer.status, status, answer.body);
	assert.match(answer.headers['content-type'], /^application\/problem\+json/);
	assert.equal(answer.json.status, status);
};

test('a report is accepted, and its device is on the page at once', async () => {
	const made = device({ model: 'Fathom 90' });
	const answer = await send(link.report(identity, [made]));
	assert.equal(answer.status, 200, answer.body);
	assert.deepEqual([answer.json.duplicate, answer.json.accepted, answer.json.rejected], [false, 1, []]);
	const admin = await signedIn('customer-admin', customer().name);
	const list = await admin.get(`/devices?q=${made.serialNumber.toLowerCase()}`);
	assert.match(list.body, /href="\/devices\/de_\w+"/);
	const [id] = /\/devices\/de_\w+/.exec(list.body);
	const page = await admin.get(id);
	assert.equal(page.status, 200);
	assert.match(page.body, new RegExp(made.serialNumber));
});

test('a repeated report changes nothing and says so', async () => {
	const report = link.report(identity, [device()]);
	assert.equal((await send(report)).json.duplicate, false);
	const again = await send(report);
	assert.equal(again.status, 200);
	assert.equal(again.json.duplicate, true);
});

test('a packed report is read; a bomb and rubbish that claims to be packed are refused', async () => {
	const headers = { 'Content-Encoding': 'gzip' };
	const good = await send(zlib.gzipSync(JSON.stringify(link.report(identity, [device()]))), { headers });
	assert.equal(good.status, 200, good.body);
	refused(await send(zlib.gzipSync(Buffer.alloc(64 << 20, 0x20)), { headers }), 413);
	refused(await send(Buffer.from('not gzip at all'), { headers }), 400);
	refused(await send(Buffer.from('x'), { headers: { 'Content-Encoding': 'br' } }), 415);
});

test('malformed JSON is a 400 that says where', async () => {
	for (const body of ['', '{', '[1,2]', '{"a":1}x', '\ufeff{}', '{"a":NaN}', '{"schema":"fleetport.report/1",}', '{"a":"\\u0000"}', '{"a":1,"a":2}']) {
		refused(await send(body), 400);
	}
	refused(await send(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), 400);
});

test('a key that comes twice is refused, wherever it stands', async () => {
	const text = JSON.stringify(link.report(identity, [device()]));
	refused(await send(text.replace('"model":', '"model":"Other","model":')), 400);
	refused(await send(text.replace('"reportId":', `"reportId":"${uuid7()}","reportId":`)), 400);
});

test('what is too deep, too long or too many is refused', async () => {
	refused(await send(`{"schema":"fleetport.report/1","x":${'['.repeat(40)}${']'.repeat(40)}}`), 400);
	const many = await send(link.report(identity, Array.from({ length: 257 }, () => device())));
	assert.deepEqual([many.status, many.json.accepted, many.json.rejected.map(({ index, code }) => [index, code])], [200, 256, [[256, 'too-many-devices']]]);
	// Refused by its length alone, before it is sent.
	refused(await send('{', { headers: { 'Content-Length': String(9 << 20) }, agent: false }), 413);
	refused(await send(crypto.randomBytes(2 << 20), { headers: { 'Content-Encoding': 'gzip' } }), 413);
});

test('a wrong type in the report is a 400 with its path; in a device it rejects that device alone', async () => {
	const wrong = link.report(identity, [device()]);
	wrong.agent.sentAt = 12;
	const answer = await send(wrong);
	refused(answer, 400);
	assert.match(answer.body, /sentAt/);
	const mixed = await send(link.report(identity, [device(), { ...device(), model: 7 }, device({ identity: undefined }), device()]));
	assert.equal(mixed.status, 200, mixed.body);
	assert.equal(mixed.json.accepted, 2);
	assert.deepEqual(mixed.json.rejected.map(({ index }) => index), [1, 2]);
	assert.equal(mixed.json.rejected[0].code, 'not-valid');
	assert.equal(mixed.json.rejected[1].code, 'identity-missing');
});

test('a time that cannot be is rejected; a late one is taken', async () => {
	const at = (ms) => device({ acquiredAt: new Date(Date.now() + ms).toISOString() });
	const day = 86400e3;
	const answer = await send(link.report(identity, [at(-401 * day), at(3600e3), at(-399 * day), at(-day)]));
	assert.equal(answer.status, 200);
	assert.deepEqual(answer.json.rejected.map(({ index, code }) => [index, code]), [[0, 'time-implausible'], [1, 'time-implausible']]);
});

test('an unknown field is dropped at the door, and the agent is told', async () => {
	const answer = await send(link.report(identity, [device({ documentName: 'salaries.pdf', status: { state: 'idle', reasons: [], user: 'x' } })]));
	assert.equal(answer.status, 200);
	assert.equal(answer.json.accepted, 1);
	const paths = answer.json.warnings.map((warning) => warning.path);
	assert.ok(paths.some((path) => path.includes('documentName')), JSON.stringify(paths));
	assert.ok(paths.some((path) => path.includes('user')), JSON.stringify(paths));
});

test('another schema is a 422, another content type a 415, another method a 405', async () => {
	const report = link.report(identity, [device()]);
	refused(await send({ ...report, schema: 'fleetport.report/2' }), 422);
	refused(await send(JSON.stringify(report), { headers: { 'Content-Type': 'text/plain' } }), 415);
	const answer = await link.request('GET', '/v1/reports', { identity });
	assert.equal(answer.status, 405);
});

test('a report in another agent\'s name is a 409', async () => {
	const other = await enrolled();
	refused(await send(link.report(other.identity, [device()])), 409);
});

test('a certificate that expired is refused by nginx with problem+json', async () => {
	// Made with the CA of this instance, ended yesterday.
	const { execFileSync } = await import('node:child_process');
	const { makeRequest } = await import('../../demo/agent.mjs');
	const request = makeRequest();
	const certificate = execFileSync('openssl', ['x509', '-req', '-CA', instance.path('secrets/agents-ca.pem'), '-CAkey', instance.path('secrets/agents-ca.key.pem'),
		'-set_serial', '7', '-days', '-1'], { input: request.csr, stdio: ['pipe', 'pipe', 'ignore'] }).toString();
	refused(await link.sendReport({ ...identity, key: request.key, certificate }, link.report(identity, [device()]), { agent: false }), 401);
});

test('the same serial at two customers is two devices, and nobody learns of the other', async () => {
	const other = await enrolled('dc', customer(1));
	const made = device();
	assert.equal((await send(link.report(identity, [made]))).json.accepted, 1);
	assert.equal((await other.link.sendReport(other.identity, other.link.report(other.identity, [made]))).json.accepted, 1);
	const ids = [];
	for (const of of [0, 1]) {
		const admin = await signedIn('customer-admin', customer(of).name);
		const { body } = await admin.get(`/devices?q=${made.serialNumber}`);
		const found = [...new Set([...body.matchAll(/\/devices\/(de_\w+)/g)].map(([, id]) => id))];
		assert.equal(found.length, 1);
		ids.push(found[0]);
	}
	assert.notEqual(ids[0], ids[1]);
});

test('many agents at once: every report that was answered is there', async () => {
	const serials = [];
	await Promise.all(Array.from({ length: 8 }, async () => {
		for (let i = 0; i < 10; i++) {
			const made = device({ model: 'Pagewell 310' });
			const answer = await send(link.report(identity, [made]));
			assert.equal(answer.status, 200, answer.body);
			serials.push(made.serialNumber);
		}
	}));
	const admin = await signedIn('customer-admin', customer().name);
	for (const serial of serials) {
		await until(`${serial} on the page`, 5, async () => (await admin.get(`/devices?q=${serial}`)).body.includes('/devices/de_'));
	}
});
