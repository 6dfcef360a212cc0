"""Both ends of the wire for the end-to-end tests: a raw client, a scripted provider, and the gateway between them.

SPDX-License-Identifier: Apache-2.0
"""
