"""Results that the server itself sends on to Elastic or Splunk: set, found again, and tried."""
