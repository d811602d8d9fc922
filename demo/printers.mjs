// SPDX-License-Identifier: Apache-2.0
// The fifty printers of the demo. The maker, the models and everything about them are invented.
// A printer is a row here; history.mjs lives its last thirty days, recording.mjs writes what it tells by SNMP.

export const MAKER = 'Velmora';

const ML = 'tenthsOfMilliliters';

// Ink in tenths of a millilitre, as the printers tell it.
export const MODELS = {
	'Drift 24': { wide: true, inks: ['cyan', 'magenta', 'yellow', 'black'], capacity: 1100, unit: ML, code: 'VD24', firmware: '2.14.3' },
	'Drift 44': { wide: true, inks: ['cyan', 'magenta', 'yellow', 'black', 'matte-black'], capacity: 3500, unit: ML, code: 'VD44', firmware: '2.15.0' },
	'Drift 64 Duo': { wide: true, inks: ['cyan', 'magenta', 'yellow', 'black', 'red', 'gray'], capacity: 7000, unit: ML, code: 'VD64', firmware: '3.0.1' },
	'Fathom 90': {
		wide: true, capacity: 2000, unit: ML, code: 'VF90', firmware: '1.9.7',
		inks: ['cyan', 'magenta', 'yellow', 'photo-black', 'matte-black', 'light-cyan', 'light-magenta', 'gray', 'light-gray'],
	},
	'Pagewell 310': { wide: false, inks: ['cyan', 'magenta', 'yellow', 'black'], capacity: 100, unit: 'percent', code: 'VP31', firmware: '5.2' },
	'Pagewell 620 Color': { wide: false, inks: ['cyan', 'magenta', 'yellow', 'black'], capacity: 100, unit: 'percent', code: 'VP62', firmware: '5.4' },
};

const places = [
	'Front desk', 'Studio', 'Proof room', 'Back office', 'Plan room', 'Reception', 'Drawing office', 'Workshop', 'Archive',
	'Loading bay', 'Meeting room', 'Sales', 'Accounts', 'Dark room', 'Finishing', 'Design floor', 'Site office',
];
const order = Object.keys(MODELS);

// Thirty printers of the first customer, twenty of the second; two groups each, of which the first is the default one.
export const CUSTOMERS = [
	{ key: 'harbour', name: 'Harbour Print Works', groups: ['Production hall', 'Front office'], count: 30 },
	{ key: 'lindgren', name: 'Lindgren Architects', groups: ['Drawing office', 'Branch north'], count: 20 },
];

// What is wrong with three of them, so that there is something to find. All stand in the first group of the first.
const troubles = { 4: 'jammed', 9: 'low-ink', 12: 'silent' };

function makePrinters() {
	const printers = [];
	let number = 0;
	for (const customer of CUSTOMERS) {
		for (let i = 0; i < customer.count; i++) {
			number++;
			const model = order[(number * 7) % order.length];
			const serial = `${MODELS[model].code}A${String(10400 + number * 137).padStart(6, '0')}`;
			printers.push({
				number, customer: customer.key, model, serial,
				group: customer.groups[i < customer.count * 0.6 ? 0 : 1],
				place: `${places[(number * 5) % places.length]} ${1 + (number % 3)}`,
				community: `velmora-${String(number).padStart(2, '0')}`,
				mac: [0x02, 0x56, 0x4d, 0x00, 0x00, number],
				trouble: troubles[number],
			});
		}
	}
	return printers;
}

export const PRINTERS = makePrinters();

export function identityOf(printer) {
	return { kind: 'serial', value: `${MAKER} ${printer.serial}`.toUpperCase() };
}
