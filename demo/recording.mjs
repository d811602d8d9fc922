// SPDX-License-Identifier: Apache-2.0
// What a made-up printer tells by SNMP now, as a recording in snmpsim's form (OID|TAG|VALUE, in OID order).

import { MAKER, MODELS } from './printers.mjs';

const HR = '1.3.6.1.2.1.25';
const PRT = '1.3.6.1.2.1.43';
// RFC 5612: the enterprise number for examples.
const ENTERPRISE = '1.3.6.1.4.1.32473';
const UNITS = { tenthsOfMilliliters: 15, percent: 19 };
const STATUS = { idle: 3, processing: 4, stopped: 1 };

const hex = (bytes) => Buffer.from(bytes).toString('hex');

function compareOids(a, b) {
	const x = a[0].split('.').map(Number);
	const y = b[0].split('.').map(Number);
	for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i] - y[i];
	return x.length - y.length;
}

export function recording(printer, device) {
	const model = MODELS[printer.model];
	const rows = [];
	const integer = (oid, value) => rows.push([oid, '2', value]);
	const text = (oid, value) => rows.push([oid, '4', value]);
	const octets = (oid, bytes) => rows.push([oid, '4x', hex(bytes)]);
	const { state } = device.status;
	const jammed = device.status.reasons.includes('media-jam-error');
	const low = device.status.reasons.includes('marker-supply-low-report');

	text('1.3.6.1.2.1.1.1.0', `${MAKER} ${printer.model}, firmware ${model.firmware}`);
	rows.push(['1.3.6.1.2.1.1.2.0', '6', `${ENTERPRISE}.1.${printer.number}`]);
	rows.push(['1.3.6.1.2.1.1.3.0', '67', 8640000 + printer.number * 1000]);
	text('1.3.6.1.2.1.1.5.0', printer.community);
	text('1.3.6.1.2.1.1.6.0', printer.place);
	integer('1.3.6.1.2.1.2.2.1.3.1', 6);
	octets('1.3.6.1.2.1.2.2.1.6.1', printer.mac);
	integer('1.3.6.1.2.1.2.2.1.8.1', 1);
	rows.push([`${HR}.3.2.1.2.1`, '6', `${HR}.3.1.5`]);
	text(`${HR}.3.2.1.3.1`, `${MAKER} ${printer.model}`);
	integer(`${HR}.3.2.1.5.1`, state === 'stopped' ? 5 : low ? 3 : 2);
	integer(`${HR}.3.5.1.1.1`, STATUS[state]);
	octets(`${HR}.3.5.1.2.1`, [(low ? 0x20 : 0) | (jammed ? 0x04 : 0) | (state === 'stopped' && !jammed ? 0x40 : 0), 0]);
	text(`${PRT}.5.1.1.16.1`, `${MAKER} ${printer.model}`);
	text(`${PRT}.5.1.1.17.1`, printer.serial);
	integer(`${PRT}.10.2.1.3.1.1`, 7);
	rows.push([`${PRT}.10.2.1.4.1.1`, '65', device.counters.impressions]);
	device.supplies.forEach((supply) => {
		const row = `1.${supply.index}`;
		const colorant = model.inks.indexOf(supply.color) + 1;
		integer(`${PRT}.11.1.1.2.${row}`, 1);
		integer(`${PRT}.11.1.1.3.${row}`, colorant);
		integer(`${PRT}.11.1.1.4.${row}`, supply.class === 'receptacleThatIsFilled' ? 4 : 3);
		integer(`${PRT}.11.1.1.5.${row}`, supply.type === 'wasteInk' ? 8 : 6);
		text(`${PRT}.11.1.1.6.${row}`, supply.name);
		integer(`${PRT}.11.1.1.7.${row}`, UNITS[supply.unit]);
		integer(`${PRT}.11.1.1.8.${row}`, supply.capacity);
		integer(`${PRT}.11.1.1.9.${row}`, supply.level);
	});
	model.inks.forEach((ink, i) => {
		integer(`${PRT}.12.1.1.2.1.${i + 1}`, 1);
		integer(`${PRT}.12.1.1.3.1.${i + 1}`, 3);
		text(`${PRT}.12.1.1.4.1.${i + 1}`, ink.replace(/-/g, ' '));
	});
	if (device.status.codes.length > 0) {
		const [{ code, text: words }] = device.status.codes;
		integer(`${PRT}.18.1.1.2.1.1`, 3);
		integer(`${PRT}.18.1.1.3.1.1`, 3);
		integer(`${PRT}.18.1.1.4.1.1`, 8);
		integer(`${PRT}.18.1.1.5.1.1`, 1);
		integer(`${PRT}.18.1.1.7.1.1`, Number(code));
		text(`${PRT}.18.1.1.8.1.1`, words);
	}
	text('1.3.6.1.2.1.47.1.1.1.1.10.1', model.firmware);
	text('1.3.6.1.4.1.2699.1.2.1.2.1.1.3.1', `MFG:${MAKER};MDL:${printer.model};CLS:PRINTER;SN:${printer.serial};`);
	rows.sort(compareOids);
	return `${rows.map((row) => row.join('|')).join('\n')}\n`;
}
