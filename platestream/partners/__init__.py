"""Inquiries and hot lists between agencies: under an MOU in force, signed, and judged by the agency that is
asked.
"""
