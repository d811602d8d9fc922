// SPDX-License-Identifier: Apache-2.0
// How an agent comes to its certificate, and what happens to those who should not.

import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { makeRequest } from '../../demo/agent.mjs';
import { assert, customer, device, enrolled, instance, invite, run, temporaryFolder, wire } from './harness.mjs';

const agent = { type: 'dc', version: '1.0.0', os: { name: 'Debian GNU/Linux', version: '12', productType: 'server' } };
const eventKey = () => crypto.generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');

test('the CA certificate is for anyone, and the invitation\'s pin is its key', async () => {
	const answer = await wire().request('GET', '/v1/ca');
	assert.equal(answer.status, 200);
	const [pem] = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(answer.json?.ca ?? answer.body);
	const key = new crypto.X509Certificate(pem).publicKey.export({ format: 'der', type: 'spki' });
	const [host, code, pin] = (await invite()).split('#');
	assert.equal(host, `agents.localhost:${instance.port}`);
	assert.match(code.replace(/-/g, ''), /^[0-9A-HJKMNP-TV-Z*~$=U]{24,26}$/);
	assert.equal(pin, crypto.createHash('sha256').update(key).digest('base64url'));
});

test('an invitation makes an agent: its certificate names it, and holds for about ninety days', async () => {
	const { identity } = await enrolled();
	assert.match(identity.id, /^ag_[0-9A-Za-z]{22}$/);
	const certificate = new crypto.X509Certificate(identity.certificate);
	assert.equal(certificate.subject, `CN=${identity.id}`);
	const days = (Date.parse(certificate.validTo) - Date.now()) / 86400e3;
	assert.ok(days > 88 && days < 91, `${days} days`);
	assert.equal(identity.answer.mqtt.alpn, 'mqtt');
	assert.ok(identity.answer.operationKeys.length > 0);
	assert.equal(identity.answer.report.intervalSeconds > 0, true);
});

test('the same code with the same key gives the same answer; with another key it is used up', async () => {
	const link = wire();
	const invitation = await invite();
	const request = makeRequest();
	const keys = crypto.generateKeyPairSync('ed25519');
	const first = await link.enrol(invitation, { request, eventKeys: keys });
	const again = await link.enrol(invitation, { request, eventKeys: keys });
	assert.equal(again.id, first.id);
	assert.equal(again.certificate, first.certificate);
	const other = await link.post('/v1/enroll', { code: invitation.split('#')[1], csr: makeRequest().csr, eventKey: eventKey(), agent });
	assert.equal(other.status, 403);
	await instance.cli(['agent', 'revoke', first.id]);
});

test('a wrong code, a used one and one of the wrong type are refused with one and the same text', async () => {
	const link = wire();
	const used = await invite();
	const identity = await link.enrol(used);
	const ofOther = await invite('es');
	const ask = (code) => link.post('/v1/enroll', { code, csr: makeRequest().csr, eventKey: eventKey(), agent });
	const code = used.split('#')[1];
	const wrong = code.slice(0, -3) + (code.endsWith('000') ? '111' : '000');
	const answers = [await ask(code), await ask(wrong), await ask(ofOther.split('#')[1])];
	for (const answer of answers) {
		assert.equal(answer.status, 403);
		assert.match(answer.headers['content-type'], /^application\/problem\+json/);
		const { requestId: _, instance: __, ...words } = answers[0].json;
		const { requestId: ___, instance: ____, ...others } = answer.json;
		assert.deepEqual(others, words);
	}
	await instance.cli(['agent', 'revoke', identity.id]);
});

test('what is no enrolment is refused clearly', async () => {
	const link = wire();
	for (const [body, status] of [['', 400], ['{', 400], ['[]', 400], ['{"code":1}', 400], [JSON.stringify({ code: 'A'.repeat(70000) }), 413]]) {
		const answer = await link.post('/v1/enroll', body);
		assert.equal(answer.status, status, body.slice(0, 20));
		assert.match(answer.headers['content-type'], /^application\/problem\+json/);
	}
	const wrongType = await link.request('POST', '/v1/enroll', { body: '{}', headers: { 'Content-Type': 'text/plain' } });
	assert.equal(wrongType.status, 415);
	assert.equal((await link.request('GET', '/v1/enroll')).status, 405);
});

test('a renewal gives a new certificate to the same agent; the first use of it ends the old one', async () => {
	const { link, identity } = await enrolled();
	const request = makeRequest();
	const answer = await link.post('/v1/renew', { csr: request.csr }, { identity });
	assert.equal(answer.status, 201, answer.body);
	assert.equal(answer.json.agentId, identity.id);
	const renewed = { ...identity, key: request.key, certificate: answer.json.certificate };
	const still = await link.sendReport(identity, link.report(identity, [device()]), { agent: undefined });
	assert.equal(still.status, 200, 'the old one holds until the new one is used');
	assert.equal((await link.sendReport(renewed, link.report(renewed, [device()]), { agent: false })).status, 200);
	const old = await link.sendReport(identity, link.report(identity, [device()]), { agent: false });
	assert.ok([401, 403].includes(old.status), `the old certificate: ${old.status}`);
});

test('nobody without a certificate renews or reports', async () => {
	const link = wire();
	for (const path of ['/v1/renew', '/v1/reports']) {
		const answer = await link.post(path, '{}');
		assert.equal(answer.status, 401, path);
		assert.match(answer.headers['content-type'], /^application\/problem\+json/);
	}
});

test('a certificate of another CA is refused by nginx with problem+json, whatever it names', async () => {
	const { link, identity } = await enrolled();
	const { key } = makeRequest();
	const file = path.join(temporaryFolder(), 'key.pem');
	fs.writeFileSync(file, key, { mode: 0o600 });
	const { stdout: certificate } = await run('openssl', ['req', '-x509', '-key', file, '-subj', `/CN=${identity.id}`, '-days', '1']);
	const answer = await link.sendReport({ ...identity, key, certificate }, link.report(identity, [device()]), { agent: false });
	assert.equal(answer.status, 401);
	assert.match(answer.headers['content-type'], /^application\/problem\+json/);
});

test('a revoked agent is refused at once', async () => {
	const { link, identity } = await enrolled('dc', customer(1));
	assert.equal((await link.sendReport(identity, link.report(identity, [device()]))).status, 200);
	await instance.cli(['agent', 'revoke', identity.id]);
	const answer = await link.sendReport(identity, link.report(identity, [device()]));
	assert.ok([401, 403].includes(answer.status), `${answer.status}`);
	assert.match(answer.headers['content-type'], /^application\/problem\+json/);
});
