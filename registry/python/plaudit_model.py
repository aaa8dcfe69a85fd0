"""A model of Plaudit in Python: reads model.safetensors and answers as `plaudit predict` does.

Needs numpy alone. MLflow calls `_load_pyfunc`; anybody else:

    model = load("model.safetensors")
    model.probability("Great product", title="Five stars")

docs/MODEL.md says what every step does; the words are cut in `words`, the n-grams formed in `slots`.
"""

import hashlib
import json
import math
import re
import unicodedata
from collections import Counter

import numpy as np

# A file of a later format may mean something else: it is refused.
NEWEST_FORMAT = 3
MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
MAX_WORD_BYTES = 128
EDGE_NGRAMS = 2
NEGATED = 0xA54FF53A5F1D36F1
NEGATIONS = frozenset(
    b"not no never nor neither none nobody nothing nowhere cannot without hardly barely scarcely aint arent cant couldnt "
    b"didnt doesnt dont hadnt hasnt havent isnt shouldnt wasnt werent wont wouldnt".split())
# Marks that end what a negation reaches.
CLAUSE_ENDS = frozenset(".,;:!?()[]…–—。，！？")
# Settings with what they may be; None: any. Others came later and mean something that is not done here.
TREATMENTS = ("replace", "drop", "keep")
HEADER = dict.fromkeys(["format_version", "config", "documents", "keep_rates", "sha256"])
CONFIG = dict.fromkeys(["labels", "cleaning", "vectorizer", "features"])
CLEANING = {"lowercase": None, "html": ("remove", "keep"), "urls": TREATMENTS, "emails": TREATMENTS,
            "numbers": TREATMENTS, "punctuation": ("keep", "drop"), "stop_words": ("none", "english"),
            "stemming": ("none", "porter"), "mark_negated": None}
VECTORIZER = {"ngrams": None, "weighting": ("binary", "tf", "tf-idf"), "sublinear_tf": None, "min_df": None, "max_features": None,
              "hash_bits": None, "skip_bigrams": None, "char_ngrams_min": None, "char_ngrams_max": None,
              "first_words": None, "last_words": None, "naive_bayes": None, "title_weight": None, "terms": ("hashed", "exact")}
# Values further from the mean count as so many standard deviations.
FARTHEST = 10.0
# Where terms are told apart exactly, `term` takes the place of `slot`.
TENSORS = ["bias", "slot", "term", "scale", "weight", "feature_mean", "feature_scale", "feature_weight"]
TYPES = {"F64": "<f8", "F32": "<f4", "U32": "<u4", "U64": "<u8"}


class ModelError(ValueError):
    """The file is no model that this loader can use."""


def load(path):
    """Reads a model's file."""
    with open(path, "rb") as file:
        return Model(file.read())


class Model:
    """A linear model over hashed n-grams of words, and a few features."""

    def __init__(self, data):
        tensors, header_json = read_safetensors(data)
        header = json.loads(header_json)
        version = header.get("format_version", 0)
        if not 1 <= version <= NEWEST_FORMAT:
            raise ModelError(f"the model has format version {version}, and this loader reads 1 to {NEWEST_FORMAT}: "
                             "export it again with this release of plaudit")
        check_sha256(header_json, header["sha256"], tensors)
        check_settings(header)
        self.config = header["config"]
        self.labels = self.config["labels"]
        self.vectorizer = self.config["vectorizer"]
        self.features = [feature if isinstance(feature, dict) else {"name": feature}
                         for feature in self.config.get("features", [])]
        self.bias = float(tensors["bias"][0])
        is_exact = self.vectorizer.get("terms") == "exact"
        self.term = tensors["term" if is_exact else "slot"]
        self.shift = 0 if is_exact else 64 - self.vectorizer["hash_bits"]
        self.scale, self.weight = tensors["scale"], tensors["weight"]
        self.dense = [tensors.get(name, np.zeros(0)) for name in TENSORS[5:]]
        rates = header.get("keep_rates") or {"negative": 1.0, "positive": 1.0}
        self.correction = math.log(rates["negative"] / rates["positive"])

    def probability(self, text, title=None, features=()):
        """P(positive); `features` are values in the model's order, missing ones None."""
        log_odds = self.bias + self.of_terms(text, title) + self.correction + self.of_features(features)
        if log_odds >= 0:
            return 1 / (1 + math.exp(-log_odds))
        odds = math.exp(log_odds)
        return odds / (1 + odds)

    def of_terms(self, text, title):
        counts = Counter()
        for field, content in ((1, title), (0, text)):
            if content is not None:
                counts.update(key >> self.shift for key in keys(self.config, field, content))
        wanted = np.fromiter(counts.keys(), dtype=self.term.dtype, count=len(counts))
        place = np.searchsorted(self.term, wanted)
        place[place == len(self.term)] = 0
        known = self.term[place] == wanted if len(self.term) else np.zeros(len(wanted), dtype=bool)
        if not known.any():
            return 0.0
        count = np.fromiter(counts.values(), dtype=np.float64, count=len(counts))[known]
        if self.vectorizer["weighting"] == "binary":
            frequency = np.ones_like(count)
        else:
            frequency = 1 + np.log(count) if self.vectorizer["sublinear_tf"] else count
        value = (frequency.astype(np.float32) * self.scale[place[known]]).astype(np.float64)
        return float(value @ self.weight[place[known]].astype(np.float64) / math.sqrt(value @ value))

    def of_features(self, values):
        total = 0.0
        for feature, value, mean, scale, weight in zip(self.features, values, *self.dense):
            value = math.nan if value is None else float(value)
            is_log = feature.get("transform") == "log1p"
            if math.isfinite(value) and (not is_log or value > -1):
                value = math.log1p(value) if is_log else value
                total += weight * min(max((value - mean) / scale, -FARTHEST), FARTHEST)
        return float(total)


# ---- MLflow ------------------------------------------------------------------------------------------------------


def _load_pyfunc(path, model_config=None):
    return PyFunc(load(path))


class PyFunc:
    """What `mlflow.pyfunc.load_model` wraps."""

    def __init__(self, model):
        self.model = model

    def predict(self, model_input, params=None):
        import pandas

        rows = model_input.to_dict("records") if hasattr(model_input, "to_dict") else list(model_input)
        answers = [self.answer(row if isinstance(row, dict) else {"text": row}) for row in rows]
        return pandas.DataFrame(answers, columns=["sentiment", "confidence", "probability"])

    def answer(self, row):
        values = [row.get(feature["name"]) for feature in self.model.features]
        text, title = (value if isinstance(value, str) else None for value in (row.get("text"), row.get("title")))
        probability = self.model.probability(text or "", title, values)
        is_positive = probability >= 0.5
        return {"sentiment": self.model.labels[is_positive],
                "confidence": probability if is_positive else 1 - probability,
                "probability": probability}


# ---- the file ----------------------------------------------------------------------------------------------------


def read_safetensors(data):
    """The tensors by name, and our entry of the metadata."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 + length or data[8:9] != b"{":
        raise ModelError("the file is no safetensors file, or it is cut off")
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", {}).get("plaudit")
    if metadata is None:
        raise ModelError("the file is no model of Plaudit: its metadata has no entry `plaudit`")
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[8 + length + start:8 + length + end], dtype=TYPES[entry["dtype"]])
    return tensors, metadata


def check_settings(header):
    config = header["config"]
    for path, settings, known in (("", header, HEADER), ("", config, CONFIG), ("cleaning.", config["cleaning"], CLEANING),
                                  ("vectorizer.", config["vectorizer"], VECTORIZER)):
        for key, value in settings.items():
            if key not in known or known[key] is not None and value not in known[key]:
                raise ModelError(f"the model has the setting {path}{key} = {json.dumps(value)}, which this loader does "
                                 "not know: export it again with this release of plaudit")


def check_sha256(header_json, expected, tensors):
    """Over the header with no checksum in it, and the tensors' bytes in their order."""
    found = hashlib.sha256(header_json.replace(f'"sha256":"{expected}"', '"sha256":""').encode())
    for name in TENSORS:
        if name in tensors:
            found.update(tensors[name].tobytes())
    if found.hexdigest() != expected:
        raise ModelError("the model is damaged: its content does not have the sha256 that it says")


# ---- n-grams -----------------------------------------------------------------------------------------------------


def mix(value):
    product = (value ^ 0xBB67AE8584CAA73B) * GOLDEN
    return (product ^ product >> 64) & MASK


def hash_of(word):
    value = GOLDEN ^ len(word)
    for at in range(0, len(word), 8):
        value = mix(value ^ int.from_bytes(word[at:at + 8], "little"))
    return value


def keys(config, field, text):
    """The key of each term of a field, repetitions included: field 0 is the text, 1 the title."""
    vectorizer, hashes = config["vectorizer"], []
    for word, is_negated in words(config["cleaning"], text):
        yield from characters(vectorizer, 4 + field, word)
        hashes.append(mix(hash_of(word) ^ NEGATED) if is_negated else hash_of(word))
    longest = vectorizer["ngrams"]
    yield from ngrams(field, longest, hashes)
    if vectorizer.get("skip_bigrams"):
        for one, other in zip(hashes, hashes[2:]):
            yield key(field, mix((one << 41 & MASK | one >> 23) ^ other))
    if field == 0:
        longest = min(longest, EDGE_NGRAMS)
        first, last = vectorizer.get("first_words", 0), vectorizer.get("last_words", 0)
        yield from ngrams(2, longest, hashes[:first])
        yield from ngrams(3, longest, hashes[max(len(hashes) - last, 0):])


def key(part, value):
    return (value ^ mix(part)) * GOLDEN & MASK


def ngrams(part, longest, hashes):
    chains = []
    for word in hashes:
        # The chain of k + 1 words is that of the k words before, turned, with the new word.
        chains = [word] + [mix((chain << 23 & MASK | chain >> 41) ^ word) for chain in chains[:longest - 1]]
        for chain in chains:
            yield key(part, chain)


def characters(vectorizer, part, word):
    """n-grams of a word's characters, between two bytes that stand for its start and its end."""
    longest = vectorizer.get("char_ngrams_max", 0)
    if longest == 0:
        return
    marked = ["\2", *word.decode(), "\3"]
    for length in range(vectorizer.get("char_ngrams_min", 3), min(longest, len(marked)) + 1):
        for at in range(len(marked) - length + 1):
            yield key(part, hash_of("".join(marked[at:at + length]).encode()))


# ---- words -------------------------------------------------------------------------------------------------------

ALPHANUMERIC = re.compile(rb"[A-Za-z0-9]+")
URL = re.compile(rb"(?:https?://|ftp://|www\.)([^ \t\n\x0c\r<>\"|\\^`]+)", re.IGNORECASE)
EMAIL_LOCAL = re.compile(rb"[A-Za-z0-9._%+-]{0,65}")
EMAIL_DOMAIN = re.compile(rb"[A-Za-z0-9.-]{0,255}")
TAG = re.compile(rb"<[A-Za-z/!?][^<>]{0,1022}>")
ENTITY = re.compile(rb"&([^;]{0,8});")
NUMBER = re.compile(rb"[0-9][0-9.,]*\Z")
ENTITIES = {b"amp": "&", b"lt": "<", b"gt": ">", b"quot": '"', b"apos": "'", b"rsquo": "'", b"lsquo": "'",
            b"nbsp": " "}


def words(cleaning, text):
    """The words of a text, in UTF-8, each with whether it is negated."""
    # Half a surrogate pair is a broken character.
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return Words(cleaning, text.encode()).cut()


class Words:
    """One pass over the bytes of a text."""

    def __init__(self, cleaning, data):
        self.cleaning, self.data = cleaning, data
        self.at, self.word, self.found = 0, bytearray(), []
        self.is_negating = False
        self.no_email_before = 0 if cleaning["emails"] != "keep" and b"@" in data else len(data) + 1

    def cut(self):
        while self.at < len(self.data):
            byte = self.data[self.at]
            if byte >= 0x80:
                self.character(*self.next_character(self.at))
            elif byte <= 0x20 or byte == 0x7F:
                self.end_word()
                self.at += 1
            elif (run := ALPHANUMERIC.match(self.data, self.at)) is not None:
                if self.word or not self.take_address():
                    self.push_bytes(run[0].lower() if self.cleaning["lowercase"] else run[0])
                    self.at = run.end()
            else:
                self.mark(byte)
        self.end_word()
        return self.found

    def next_character(self, at):
        """The character that stands at a place, and its length; None at the end."""
        if at >= len(self.data):
            return None, 0
        lead = self.data[at]
        length = 1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
        return self.data[at:at + length].decode(), length

    # -- the word under construction: bytes, cut off where it is too long

    def push_bytes(self, data):
        self.word += data[:MAX_WORD_BYTES - len(self.word)]

    def push_character(self, character):
        encoded = character.encode()
        if len(self.word) + len(encoded) <= MAX_WORD_BYTES:
            self.word += encoded

    def end_word(self):
        word = bytes(self.word)
        self.word.clear()
        if not word:
            return
        cleaning = self.cleaning
        negates = cleaning.get("mark_negated", False) and (word.endswith(b"n't") or word in NEGATIONS)
        if cleaning["numbers"] != "keep" and NUMBER.match(word):
            word = b"<number>" if cleaning["numbers"] == "replace" else None
        elif cleaning["stop_words"] == "english" and word in STOP_WORDS:
            word = None
        elif cleaning["stemming"] == "porter":
            word = stem(word)
        if word:
            self.found.append((word, self.is_negating))
        self.is_negating |= negates

    # -- ASCII

    def take_address(self):
        """Steps over an address of mail or of the web that starts here."""
        if self.at >= self.no_email_before:
            length, found = email(self.data, self.at)
            if found:
                self.replace(length, self.cleaning["emails"], b"<email>")
                return True
            self.no_email_before = self.at + length
        if self.cleaning["urls"] != "keep" and (url := URL.match(self.data, self.at)):
            rest = url[1].rstrip(b".,!?;:)']")
            if rest:
                self.replace(url.start(1) - self.at + len(rest), self.cleaning["urls"], b"<url>")
                return True
        return False

    def replace(self, length, treatment, stands_for):
        self.at += length
        if treatment == "replace":
            self.found.append((stands_for, self.is_negating))

    def mark(self, byte):
        if byte == 0x27 and self.joins_letters(1):
            self.push_bytes(b"'")
            self.at += 1
        elif byte in b".," and self.data[self.at + 1:self.at + 2].isdigit() and self.word[-1:].isdigit() \
                and NUMBER.match(self.word):
            self.push_bytes(bytes([byte]))
            self.at += 1
        elif byte == 0x3C and self.cleaning["html"] == "remove" and (tag := TAG.match(self.data, self.at)):
            self.end_word()
            self.is_negating = False
            self.at = tag.end()
        elif byte == 0x26 and self.cleaning["html"] == "remove" and (found := entity(self.data, self.at)):
            self.character(*found)
        else:
            self.end_word()
            end = self.at
            while self.data[end:end + 1] == bytes([byte]):
                end += 1
            self.is_negating &= chr(byte) not in CLAUSE_ENDS
            if self.cleaning["punctuation"] == "keep":
                self.found.append((self.data[self.at:end][:2], False))
            self.at = end

    def joins_letters(self, length):
        """Whether a word goes on behind a mark of this many bytes."""
        character, _ = self.next_character(self.at + length)
        return bool(self.word) and character is not None and is_alphabetic(character) and role(character) == "letter"

    # -- beyond ASCII

    def character(self, character, length):
        part = ascii_role(character) if character < "\x80" else role(character)
        if part == "letter":
            for letter in character.lower() if self.cleaning["lowercase"] else character:
                self.push_character(letter)
        elif part == "mark":
            self.combine(character)
        elif part == "apostrophe" and self.joins_letters(length):
            self.push_bytes(b"'")
        elif part in ("symbol", "ideograph"):
            self.end_word()
            self.push_character(character)
            self.at += length
            if part == "ideograph":
                self.marks_of_an_ideograph()
            self.end_word()
            return
        elif part != "ignored":
            self.end_word()
            self.is_negating &= character not in CLAUSE_ENDS
        self.at += length

    def combine(self, mark):
        """A mark joins the letter before it, as one character where Unicode has the pair as one."""
        start = len(self.word) - 1
        while start >= 0 and self.word[start] & 0xC0 == 0x80:
            start -= 1
        if start < 0:
            return
        base = self.word[start:].decode()
        del self.word[start:]
        composed = unicodedata.normalize("NFC", base + mark)
        if unicodedata.decomposition(composed[0]) == f"{ord(base):04X} {ord(mark):04X}" and len(composed) == 1:
            self.push_character(composed)
        else:
            self.push_character(base)
            self.push_character(mark)

    def marks_of_an_ideograph(self):
        while True:
            character, length = self.next_character(self.at)
            part = role(character) if character is not None else None
            if part == "mark":
                self.push_character(character)
            elif part != "ignored":
                return
            self.at += length


def email(data, at):
    """The length of the address of mail that starts here, and whether one does; else how far there is none."""
    local = EMAIL_LOCAL.match(data, at)
    length = len(local[0])
    if length in (0, 65) or data[local.end():local.end() + 1] != b"@":
        return max(length, 1), False
    domain = EMAIL_DOMAIN.match(data, local.end() + 1)[0].rstrip(b".-")
    dot = domain.rfind(b".")
    if dot > 0 and len(domain) - dot > 2:
        return length + 1 + len(domain), True
    return length + 1, False


def entity(data, at):
    """The character that an entity stands for, and the entity's length."""
    found = ENTITY.match(data, at)
    if found is None:
        return None
    name, length = found[1], len(found[0])
    if name in ENTITIES:
        return ENTITIES[name], length
    number = re.fullmatch(rb"#(?:[xX](\+?[0-9A-Fa-f]+)|(\+?[0-9]+))", name)
    if number is None:
        return None
    code = int(number[1], 16) if number[1] else int(number[2])
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        return None
    return chr(code), length


# ---- characters --------------------------------------------------------------------------------------------------


def ranges(text):
    """`0041-005A 00AA` to pairs."""
    pairs = (part.split("-") for part in text.split())
    return [(int(pair[0], 16), int(pair[-1], 16)) for pair in pairs]


IGNORED = ranges("00AD 034F 061C 180B-180E 200B-200F 202A-202E 2060-206F FEFF FE00-FE0F 1F3FB-1F3FF E0000-E01EF "
                 "0640 064B-065F 0670 06D6-06DC 06DF-06E4 06E7-06E8 06EA-06ED "
                 "0591-05BD 05BF 05C1-05C2 05C4-05C5 05C7")
APOSTROPHES = ranges("2018 2019 02BC FF07")
UNSPACED = ranges("0E00-0EFF 1000-109F 1780-17FF 3041-30FF 31F0-31FF")
IDEOGRAPHS = ranges("3400-4DBF 4E00-9FFF F900-FAFF 20000-3FFFF")
SYMBOLS = ranges("00A9 00AE 203C 2049 2122 2139 2190-21FF 2300-23FF 25A0-27BF 2900-297F 2B00-2BFF 1F000-1FAFF")
ROLES = {}


def role(character):
    """The part that a character beyond ASCII plays."""
    if character not in ROLES:
        ROLES[character] = find_role(character)
    return ROLES[character]


def find_role(character):
    def within(pairs):
        return any(first <= ord(character) <= last for first, last in pairs)

    is_mark = unicodedata.category(character)[0] == "M"
    is_word = is_alphabetic(character) or unicodedata.category(character)[0] == "N"
    if within(IGNORED):
        return "ignored"
    if within(APOSTROPHES):
        return "apostrophe"
    if within(UNSPACED):
        return "mark" if is_mark else "ideograph" if is_word else "separator"
    if within(IDEOGRAPHS):
        return "ideograph"
    if within(SYMBOLS):
        return "symbol"
    return "mark" if is_mark else "letter" if is_word else "separator"


def ascii_role(character):
    """The part of an ASCII character that an entity stands for."""
    return "apostrophe" if character == "'" else "letter" if character.isalnum() else "separator"


def is_alphabetic(character):
    """Unicode's property Alphabetic, but for marks: letters, letter numbers and circled letters."""
    category = unicodedata.category(character)
    return category[0] == "L" or category == "Nl" or "\u24b6" <= character <= "\u24e9"


# ---- English -----------------------------------------------------------------------------------------------------

STOP_WORDS = set(b"""
a about after again all also am an and any are as at be because been before being between both but by can could
did do does doing down during each few for from further had has have having he her here hers herself him himself
his how i i'd i'll i'm i've if in into is it it's its itself may me might must my myself of on once or other our
ours ourselves out over own same shall she should so some such than that the their theirs them themselves then
there these they this those through to under until up upon us was we were what when where which while who whom
whose why will with would you your yours yourself yourselves
""".split())

STEP_2 = [(b"ational", b"ate"), (b"tional", b"tion"), (b"enci", b"ence"), (b"anci", b"ance"), (b"izer", b"ize"),
          (b"abli", b"able"), (b"alli", b"al"), (b"entli", b"ent"), (b"eli", b"e"), (b"ousli", b"ous"),
          (b"ization", b"ize"), (b"ation", b"ate"), (b"ator", b"ate"), (b"alism", b"al"), (b"iveness", b"ive"),
          (b"fulness", b"ful"), (b"ousness", b"ous"), (b"aliti", b"al"), (b"iviti", b"ive"), (b"biliti", b"ble")]
STEP_3 = [(b"icate", b"ic"), (b"ative", b""), (b"alize", b"al"), (b"iciti", b"ic"), (b"ical", b"ic"), (b"ful", b""),
          (b"ness", b"")]
# Longer ones before the shorter that end them.
STEP_4 = (b"ement", b"ance", b"ence", b"able", b"ible", b"ment", b"ant", b"ent", b"ion", b"ism", b"ate", b"iti",
          b"ous", b"ive", b"ize", b"al", b"er", b"ic", b"ou")


def consonants(word):
    """For each letter whether it is a consonant: `C`, or a vowel: `V`; y is one behind a consonant."""
    kinds = ""
    for letter in word.decode():
        is_vowel = letter in "aeiou" or letter == "y" and kinds.endswith("C")
        kinds += "V" if is_vowel else "C"
    return kinds


def measure(word):
    return len(re.findall("VC", re.sub(r"(.)\1+", r"\1", consonants(word))))


def ends_cvc(word):
    return consonants(word)[-3:] == "CVC" and word[-1:] not in (b"w", b"x", b"y")


def stem(word):
    """Porter's stemmer of 1980, on lower-case ASCII."""
    if len(word) < 3 or not re.fullmatch(rb"[a-z]+", word):
        return word
    if word.endswith((b"sses", b"ies")):
        word = word[:-2]
    elif word.endswith(b"s") and not word.endswith(b"ss"):
        word = word[:-1]
    word = without_past(word)
    if word.endswith(b"y") and "V" in consonants(word[:-1]):
        word = word[:-1] + b"i"
    for rules in (STEP_2, STEP_3):
        fitting = [rule for rule in rules if word.endswith(rule[0])]
        if fitting:
            suffix, replacement = max(fitting, key=lambda rule: len(rule[0]))
            if measure(word[:-len(suffix)]) > 0:
                word = word[:-len(suffix)] + replacement
    suffix = next((suffix for suffix in STEP_4 if word.endswith(suffix)), None)
    if suffix is not None:
        rest = word[:-len(suffix)]
        if (suffix != b"ion" or rest.endswith((b"s", b"t"))) and measure(rest) > 1:
            word = rest
    if word.endswith(b"e"):
        size = measure(word[:-1])
        if size > 1 or size == 1 and not ends_cvc(word[:-1]):
            word = word[:-1]
    return word[:-1] if word.endswith(b"ll") and measure(word) > 1 else word


def without_past(word):
    if word.endswith(b"eed"):
        return word[:-1] if measure(word[:-3]) > 0 else word
    rest = word[:-2] if word.endswith(b"ed") else word[:-3] if word.endswith(b"ing") else None
    if rest is None or "V" not in consonants(rest):
        return word
    if rest.endswith((b"at", b"bl", b"iz")):
        return rest + b"e"
    if rest[-1:] == rest[-2:-1] and consonants(rest).endswith("C") and rest[-1:] not in (b"l", b"s", b"z"):
        return rest[:-1]
    return rest + b"e" if measure(rest) == 1 and ends_cvc(rest) else rest
