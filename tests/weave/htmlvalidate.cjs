// SPDX-License-Identifier: GPL-2.0
// What html-validate may overlook: matters of taste.
'use strict';

module.exports = {
	root: true,
	extends: ['html-validate:recommended'],
	rules: {
		'doctype-style': 'off',
		'long-title': 'off',
		'no-inline-style': 'off',
		'no-trailing-whitespace': 'off',
		'prefer-native-element': 'off',
		'void-style': 'off',
	},
};
