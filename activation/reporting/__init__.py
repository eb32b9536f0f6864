"""Measuring what was sent, and telling people: report tables for any BI tool, and one page for everybody else."""
