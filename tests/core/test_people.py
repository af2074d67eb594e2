"""People: one line of GP in the parts that Zoho has; one person, one key, however the line was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core.people import LONGEST_FIRST, LONGEST_LAST, PersonName, person_key, split_name


@pytest.mark.parametrize(
    ("text", "salutation", "first", "last"),
    [
        ("John Q. Public", "", "John Q.", "Public"),
        ("Public, John", "", "John", "Public"),
        ("SMITH,JOHN", "", "JOHN", "SMITH"),
        ("JOHN SMITH", "", "JOHN", "SMITH"),
        ("Smith", "", "", "Smith"),
        ("O'Neil, Shaun", "", "Shaun", "O'Neil"),
        ("Mary-Jane Watson-Parker", "", "Mary-Jane", "Watson-Parker"),
        ("J.R.R. Tolkien", "", "J.R.R.", "Tolkien"),
        ("J.Smith", "", "J.", "Smith"),
        ("Yo-Yo Ma", "", "Yo-Yo", "Ma"),
        ("Paul W.", "", "Paul", "W."),
        ("Contact 07", "", "Contact", "07"),
        # salutations
        ("Mr. John Smith", "Mr.", "John", "Smith"),
        ("Mr.John Smith", "Mr.", "John", "Smith"),
        ("Mr. Smith", "Mr.", "", "Smith"),
        ("Smith, Mr. John", "Mr.", "John", "Smith"),
        ("Dr. Smith, John", "Dr.", "John", "Smith"),
        ("MRS SMITH", "Mrs.", "", "SMITH"),
        ("Miss Ann Lee", "Ms.", "Ann", "Lee"),
        ("Prof. Dr. Hans Müller", "Prof.", "Hans", "Müller"),
        ("Sr. Juan Pérez", "Mr.", "Juan", "Pérez"),
        ("Rev. John Smith", "", "John", "Smith"),
        ("Mr. & Mrs. John Smith", "", "John", "Smith"),
        # generations and degrees
        ("Mr. John Smith Jr.", "Mr.", "John", "Smith Jr."),
        ("John Smith, Jr.", "", "John", "Smith Jr."),
        ("Smith Jr., John", "", "John", "Smith Jr."),
        ("Smith, John, Jr.", "", "John", "Smith Jr."),
        ("Smith, John III", "", "John", "Smith III"),
        ("Mr. John Smith, Jr., CPA", "Mr.", "John", "Smith Jr."),
        ("John Smith Ph.D.", "", "John", "Smith"),
        ("Smith, John, PhD, MBA", "", "John", "Smith"),
        # particles
        ("Dr Ana María de la Cruz", "Dr.", "Ana María", "de la Cruz"),
        ("van der Berg, Jan", "", "Jan", "van der Berg"),
        ("JAN VAN DER BERG", "", "JAN", "VAN DER BERG"),
        ("van der Berg", "", "", "van der Berg"),
        ("de Vries", "", "", "de Vries"),
        ("Mr. Van Dyke", "Mr.", "", "Van Dyke"),
        ("Van Morrison", "", "Van", "Morrison"),
        ("Maria del Carmen Lopez", "", "Maria del Carmen", "Lopez"),
        ("José Ortega y Gasset", "", "José", "Ortega y Gasset"),
        ("Jill St. John", "", "Jill", "St. John"),
        # several people
        ("John & Mary Smith", "", "John & Mary", "Smith"),
        ("Smith, John & Mary", "", "John & Mary", "Smith"),
        ("Mr. John and Mary Smith", "Mr.", "John and Mary", "Smith"),
        ("John Smith & Mary Jones", "", "John", "Smith"),
        ("John Smith / Mary Jones", "", "John", "Smith"),
        ("John Smith; Mary Jones", "", "John", "Smith"),
        ("Smith & Jones", "", "", "Smith & Jones"),
        # what stands beside a name
        ("John Smith (purchasing)", "", "John", "Smith"),
        ('John "Jack" Smith', "", "John", "Smith"),
        ("(John Smith)", "", "John", "Smith"),
        ("John Smith x123", "", "John", "Smith"),
        ("John Smith, ext. 123", "", "John", "Smith"),
        ("John Smith tel. 312-555-0101", "", "John", "Smith"),
        ("John Smith john@smith.example", "", "John", "Smith"),
        ("John Smith, Purchasing Manager", "", "John", "Smith"),
        ("Sales Manager, John Smith", "", "John", "Smith"),
        ("John Smith - Purchasing", "", "John", "Smith"),
        ("Purchasing - John Smith", "", "John", "Smith"),
        ("Attn: John Smith", "", "John", "Smith"),
        ("ATTN JOHN SMITH", "", "JOHN", "SMITH"),
        ("c/o John Smith", "", "John", "Smith"),
        ("Foreman, George", "", "George", "Foreman"),
        ("Robert Plant", "", "Robert", "Plant"),
        ("Xavier X", "", "Xavier", "X"),
        # functions
        ("ACCOUNTS PAYABLE", "", "", "ACCOUNTS PAYABLE"),
        ("Accounts Payable Dept.", "", "", "Accounts Payable Dept."),
        ("A/P", "", "", "A/P"),
        ("Vice President of Sales & Marketing", "", "", "Vice President of Sales & Marketing"),
        ("Owner", "", "", "Owner"),
        # other alphabets
        ("Иван Петров", "", "Иван", "Петров"),
        ("山田 太郎", "", "太郎", "山田"),
        ("山田太郎", "", "", "山田太郎"),
        ("محمد علي", "", "محمد", "علي"),
    ],
)
def test_the_parts_of_a_name(text, salutation, first, last):
    assert split_name(text) == PersonName(salutation, first, last)


@pytest.mark.parametrize(
    "text",
    ["", "   ", "N/A", "n.a.", "NA", "-", "--", "?", "none", "None.", "Unknown", "TBD", "12345", "x123", "Mr.", "&",
     "No contact", "Not available", "312-555-0101", "john@smith.example"],
)  # fmt: skip
def test_a_text_that_names_nobody(text):
    assert split_name(text) == PersonName()
    assert person_key(text) == ""


@pytest.mark.parametrize(
    "writings",
    [
        ["John Smith", "Smith, John", "Mr. John Smith", "JOHN SMITH", " john  smith ", "Smith , John",
         "Mr.John Smith", "John Smith (purchasing)", "John Smith x12", "John Smith, CPA", "SMITH,JOHN"],
        ["John Smith Jr.", "Smith, John, Jr.", "SMITH JR, JOHN", "Mr. John Smith, Jr"],
        ["Jan van der Berg", "van der Berg, Jan", "VAN DER BERG, JAN"],
        ["Ana María de la Cruz", "DE LA CRUZ, ANA MARIA", "Dr. Ana Maria de la Cruz"],
        ["Shaun O'Neil", "ONEIL, SHAUN", "O’Neil, Shaun"],
        ["Accounts Payable", "ACCOUNTS PAYABLE", "accounts  payable"],
    ],
    ids=lambda texts: texts[0],
)  # fmt: skip
def test_one_person_has_one_key(writings):
    assert len({person_key(text) for text in writings}) == 1


def test_father_and_son_and_two_initials_are_different_people():
    texts = ["John Smith", "John Smith Jr.", "John Smith III", "John A. Smith", "John B. Smith", "Jon Smith"]
    assert len({person_key(text) for text in texts}) == len(texts)


def test_a_name_too_long_for_the_crm_is_never_refused_by_it():
    long = "Maria Aurelia Christina Wilhelmina Josefina von Habsburg-Lothringen"
    assert split_name(long) == PersonName(last=long)
    assert split_name("x" * 200).last == "x" * LONGEST_LAST


WORDS = 'John Smith van der de la & and / - , ; ( ) Mr. Dr. Jr. III PhD x12 Manager Sales N/A 山田 “ " . : y'
NAMES = "John Mary Ana Smith Jones Weiß Müller O'Neil Watson-Parker Ng"
words, plain = st.sampled_from(WORDS.split()), st.sampled_from(NAMES.split())
lines = st.lists(words, max_size=9).map(" ".join) | st.text(max_size=70)


@given(lines)
def test_whatever_was_typed_it_fits_and_whoever_has_a_key_has_a_last_name(text):
    name = split_name(text)
    assert len(name.first) <= LONGEST_FIRST
    assert len(name.last) <= LONGEST_LAST
    assert name.salutation in ("", "Mr.", "Mrs.", "Ms.", "Dr.", "Prof.")
    assert bool(name.last) == bool(person_key(text))


@given(plain, plain)
def test_order_salutation_and_letters_do_not_change_the_key(first, last):
    key = person_key(f"{first} {last}")
    assert key
    for text in (f"{last}, {first}", f"Mr. {first} {last}", f"{first} {last}".upper(), f" {first}  {last} "):
        assert person_key(text) == key
