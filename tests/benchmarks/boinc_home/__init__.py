"""300 BOINC radiators inside one real Home Assistant: what they cost."""
