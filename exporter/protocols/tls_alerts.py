"""Names of TLS alerts (IANA's registry)."""

WARNING, FATAL = 1, 2
CLOSE_NOTIFY = "close_notify"
ENCRYPTED, OTHER = "encrypted_alert", "other"
NAMES = (
    "0 close_notify, 10 unexpected_message, 20 bad_record_mac, 21 decryption_failed, 22 record_overflow, "
    "30 decompression_failure, 40 handshake_failure, 41 no_certificate, 42 bad_certificate, "
    "43 unsupported_certificate, 44 certificate_revoked, 45 certificate_expired, 46 certificate_unknown, "
    "47 illegal_parameter, 48 unknown_ca, 49 access_denied, 50 decode_error, 51 decrypt_error, "
    "60 export_restriction, 70 protocol_version, 71 insufficient_security, 80 internal_error, "
    "86 inappropriate_fallback, 90 user_canceled, 100 no_renegotiation, 109 missing_extension, "
    "110 unsupported_extension, 111 certificate_unobtainable, 112 unrecognized_name, "
    "113 bad_certificate_status_response, 114 bad_certificate_hash_value, 115 unknown_psk_identity, "
    "116 certificate_required, 120 no_application_protocol"
)
ALERTS = {int(number): name for number, _, name in (entry.partition(" ") for entry in NAMES.split(", "))}


def alert_name(body: bytes) -> str:
    """Return what an alert in clear text (level, description) says; an encrypted one is longer."""
    return ALERTS.get(body[1], OTHER) if len(body) == 2 else ENCRYPTED


def is_end(body: bytes) -> bool:
    """Return whether an alert ends a handshake: warnings do not, but for the one that says good-bye."""
    return len(body) != 2 or body[0] != WARNING or body[1] == 0
