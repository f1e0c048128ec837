// SPDX-License-Identifier: MIT
// Nothing: it has the headers compiled that the tests share.

int main() { return 0; }
