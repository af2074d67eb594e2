"""Keeps Microsoft Dynamics GP and Zoho CRM in step."""
