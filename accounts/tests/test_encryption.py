import pytest

from accounts.encryption import Undecryptable, decrypt, encrypt


def test_what_is_encrypted_can_be_read_again_and_not_before():
    token = encrypt("whsec_abc")
    assert "whsec" not in token
    assert encrypt("whsec_abc") != token
    assert decrypt(token) == "whsec_abc"


def test_a_former_key_still_reads_what_it_encrypted(settings):
    token, former = encrypt("x"), settings.SECRET_KEY
    settings.SECRET_KEY = "k" * 60
    with pytest.raises(Undecryptable):
        decrypt(token)
    settings.SECRET_KEY_FALLBACKS = [former]
    assert decrypt(token) == "x"


def test_a_changed_token_is_not_read():
    token = encrypt("x")
    with pytest.raises(Undecryptable):
        decrypt(token[:-4] + "AAAA")
