# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in of the API of AWX 24.6.1, as far as awx.awx asks it for what the role awx_setup makes.

It checks what AWX checks. What was learned from a real AWX is marked "seen", and what stands in its public source
"source"; where it is simpler, that is told. Nothing runs in it but project updates, which end when they are asked for
the second time.
"""
