//! The words of the generated reviews. `{slot}`s are filled by the grammar; everything here is data, so that a phrase can be
//! added without touching code.

/// A part or trait of a product that people have opinions about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aspect {
    pub(super) name: &'static str,
    pub(super) is_plural: bool,
}

const fn one(name: &'static str) -> Aspect {
    Aspect { name, is_plural: false }
}

const fn many(name: &'static str) -> Aspect {
    Aspect { name, is_plural: true }
}

/// A kind of product, with what is said only about this kind.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) nouns: &'static [&'static str],
    pub(super) aspects: &'static [Aspect],
    pub(super) praise: &'static [&'static str],
    pub(super) complaints: &'static [&'static str],
}

pub(super) const KINDS: &[Kind] = &[
    Kind {
        nouns: &["kettle", "electric kettle", "tea kettle"],
        aspects: &[
            one("the lid"),
            one("the spout"),
            one("the handle"),
            one("the base"),
            one("the switch"),
            one("the cord"),
        ],
        praise: &[
            "boils a full litre before the bread is toasted",
            "pours without a drop on the table",
            "keeps the water warm for ages",
        ],
        complaints: &[
            "leaks from the bottom",
            "leaves a taste of plastic in the tea",
            "switches itself off long before the water boils",
            "began to rust inside",
        ],
    },
    Kind {
        nouns: &["headphones", "headset", "pair of headphones"],
        aspects: &[
            one("the sound"),
            one("the bass"),
            one("the microphone"),
            many("the ear pads"),
            one("the battery"),
            one("the headband"),
        ],
        praise: &[
            "shuts out the whole train",
            "lasts a working week on one charge",
            "finds my phone the moment I put it on",
        ],
        complaints: &[
            "crackles on the left side",
            "drops the connection every few minutes",
            "hurts my ears after an hour",
            "hisses as soon as the music is quiet",
        ],
    },
    Kind {
        nouns: &["backpack", "rucksack", "daypack"],
        aspects: &[
            many("the straps"),
            many("the zips"),
            one("the lining"),
            many("the side pockets"),
            one("the rain cover"),
            one("the stitching"),
        ],
        praise: &[
            "swallows everything I need for a weekend",
            "kept my laptop dry in a thunderstorm",
            "sits on the shoulders like a feather",
        ],
        complaints: &[
            "tore on the second trip",
            "lets the rain straight in",
            "cuts into my shoulders",
            "lost a buckle on the way home",
        ],
    },
    Kind {
        nouns: &["desk lamp", "reading lamp", "lamp"],
        aspects: &[
            one("the light"),
            one("the arm"),
            one("the dimmer"),
            one("the foot"),
            one("the shade"),
            many("the buttons"),
        ],
        praise: &[
            "lights the whole desk without glare",
            "stays exactly where I bend it",
            "made my evenings easier on the eyes",
        ],
        complaints: &[
            "flickers all the time",
            "hums when it is dimmed",
            "falls over at the slightest touch",
            "gets hot enough to burn a finger",
        ],
    },
    Kind {
        nouns: &["running shoes", "trainers", "pair of shoes"],
        aspects: &[
            many("the soles"),
            many("the laces"),
            one("the fit"),
            one("the heel"),
            one("the cushioning"),
            one("the grip"),
        ],
        praise: &[
            "carried me through a half marathon without a blister",
            "fits like it was made for my feet",
            "grips on wet leaves",
        ],
        complaints: &[
            "gave me blisters on the first run",
            "fell apart at the toes",
            "runs two sizes small",
            "squeaks with every step",
        ],
    },
    Kind {
        nouns: &["novel", "book", "paperback"],
        aspects: &[
            one("the plot"),
            many("the characters"),
            one("the ending"),
            one("the first chapter"),
            many("the dialogues"),
            one("the translation"),
        ],
        praise: &[
            "kept me awake until three in the morning",
            "made me laugh out loud on the bus",
            "stays with you for weeks",
        ],
        complaints: &[
            "put me to sleep by page forty",
            "goes nowhere for three hundred pages",
            "reads like a first draft",
            "came with pages missing",
        ],
    },
    Kind {
        nouns: &["office chair", "desk chair", "chair"],
        aspects: &[
            one("the seat"),
            one("the backrest"),
            many("the armrests"),
            many("the wheels"),
            one("the height lever"),
            one("the upholstery"),
        ],
        praise: &["ended years of back pain", "went together in ten minutes", "rolls over the carpet without a sound"],
        complaints: &[
            "sinks by itself while I sit",
            "creaks whenever I breathe",
            "arrived with half the screws",
            "wobbles like a boat",
        ],
    },
    Kind {
        nouns: &["coffee", "bag of coffee", "espresso roast"],
        aspects: &[
            one("the aroma"),
            one("the taste"),
            one("the crema"),
            one("the roast"),
            one("the grind"),
            one("the aftertaste"),
        ],
        praise: &[
            "turns my kitchen into a cafe",
            "tastes of chocolate and hazelnut",
            "gets me out of bed before the alarm",
        ],
        complaints: &[
            "tastes like burnt toast",
            "arrived three months past its date",
            "upsets my stomach",
            "is more dust than beans",
        ],
    },
    Kind {
        nouns: &["phone case", "case", "phone cover"],
        aspects: &[
            many("the corners"),
            many("the buttons"),
            one("the colour"),
            one("the surface"),
            one("the camera cutout"),
            one("the magnet"),
        ],
        praise: &[
            "survived a fall down the stairs",
            "slides into the pocket like nothing",
            "looks as new as on the first day",
        ],
        complaints: &[
            "turned yellow within a month",
            "slips out of the hand",
            "covers half of the camera",
            "cracked when I took it off",
        ],
    },
    Kind {
        nouns: &["tent", "two-person tent", "camping tent"],
        aspects: &[
            many("the poles"),
            many("the pegs"),
            one("the groundsheet"),
            one("the porch"),
            one("the mesh"),
            many("the seams"),
        ],
        praise: &[
            "stands in five minutes",
            "kept us dry through two nights of rain",
            "shrugs off a storm on the coast",
        ],
        complaints: &[
            "dripped on us all night",
            "bent in the first breeze",
            "smells of glue",
            "takes three people and a lot of patience to pitch",
        ],
    },
];

/// Aspects of any purchase.
pub(super) const COMMON_ASPECTS: &[Aspect] = &[
    one("the delivery"),
    one("the packaging"),
    one("customer service"),
    one("the price"),
    one("the quality"),
    one("the build"),
    one("the manual"),
    many("the materials"),
    one("the design"),
    one("the size"),
];

pub(super) const GOOD: &[&str] = &[
    "great",
    "excellent",
    "lovely",
    "solid",
    "superb",
    "reliable",
    "comfortable",
    "well made",
    "fantastic",
    "sturdy",
    "beautiful",
    "pleasant",
    "perfect",
    "impressive",
    "convincing",
    "wonderful",
    "spot on",
    "first-rate",
    "a joy",
    "good",
    "nice",
    "handy",
    "generous",
    "flawless",
    "brilliant",
    "decent",
];

pub(super) const BAD: &[&str] = &[
    "poor",
    "terrible",
    "flimsy",
    "cheap",
    "awful",
    "disappointing",
    "useless",
    "badly made",
    "annoying",
    "mediocre",
    "shoddy",
    "unreliable",
    "uncomfortable",
    "dreadful",
    "a letdown",
    "rubbish",
    "clumsy",
    "crooked",
    "bad",
    "a joke",
    "weak",
    "faulty",
    "hopeless",
    "second-rate",
    "ugly",
    "a nuisance",
];

pub(super) const DEGREES: &[&str] =
    &["very", "really", "rather", "quite", "absolutely", "surprisingly", "so", "pretty", "simply", "honestly"];

pub(super) const LIKES: &[&str] =
    &["love", "like", "adore", "enjoy", "appreciate", "am happy with", "am impressed by", "can rely on"];

pub(super) const DISLIKES: &[&str] =
    &["hate", "dislike", "regret", "can't stand", "am fed up with", "am annoyed by", "gave up on", "am let down by"];

pub(super) const PEOPLE: &[&str] = &[
    "my sister",
    "my father",
    "a colleague",
    "my neighbour",
    "my daughter",
    "a friend",
    "my partner",
    "my flatmate",
    "the kids",
    "my grandmother",
];

pub(super) const TIMES: &[&str] = &[
    "two days",
    "a week",
    "ten days",
    "a month",
    "three months",
    "half a year",
    "one summer",
    "a few uses",
    "the first evening",
    "six weeks",
];

pub(super) const OCCASIONS: &[&str] = &[
    "a birthday",
    "our holiday",
    "the new flat",
    "my commute",
    "the office",
    "a long weekend",
    "Christmas",
    "the garden house",
    "a trip to the lake",
    "my studies",
];

pub(super) const COLOURS: &[&str] = &["blue", "black", "green", "red", "grey", "white", "orange", "dark brown"];

pub(super) const DAYS: &[&str] = &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// What is said of an aspect by somebody who is content with it.
pub(super) const PRAISE: &[&str] = &[
    "{aspect} {is} {good}",
    "{aspect} {is} {degree} {good}",
    "{aspect} {is} {good} and {good}",
    "I {like} {aspect}",
    "I really {like} {aspect}",
    "{aspect} {is} better than I had hoped",
    "{aspect} {is} everything I wanted",
    "{aspect} {is} not {bad} at all",
    "{aspect} {is} anything but {bad}",
    "I have no complaints about {aspect}",
    "there is nothing {bad} about {aspect}",
    "nobody could call {aspect} {bad}",
    "{person} called {aspect} {good}, and I agree",
    "I was afraid {aspect} would be {bad}, and I was wrong",
    "for this money {aspect} {is} {good}",
    "after {time} {aspect} {is} still {good}",
    "it {praise}",
    "it {praise}",
    "the {noun} {praise}",
];

/// What is said of an aspect by somebody who is not.
pub(super) const COMPLAINTS: &[&str] = &[
    "{aspect} {is} {bad}",
    "{aspect} {is} {degree} {bad}",
    "{aspect} {is} {bad} and {bad}",
    "I {dislike} {aspect}",
    "{aspect} {is} worse than I had feared",
    "{aspect} {is} nothing like the pictures",
    "{aspect} {is} not {good}",
    "{aspect} {is} not {good} at all",
    "{aspect} {is} far from {good}",
    "there is nothing {good} about {aspect}",
    "nobody could call {aspect} {good}",
    "I wish {aspect} {was} {good}",
    "{person} called {aspect} {bad}, and I agree",
    "I was told {aspect} would be {good}, and it was a fairy tale",
    "for this money {aspect} {is} {bad}",
    "after {time} {aspect} {was} already {bad}",
    "it {complaint}",
    "it {complaint}",
    "the {noun} {complaint}",
];

/// One thing praised and another one blamed in one breath: the second half is what the writer ends on.
pub(super) const FROM_BLAME_TO_PRAISE: &[&str] = &[
    "{aspect} {is} {bad}, but it {praise}",
    "{aspect} could be less {bad}, yet I {like} the rest",
    "it {complaint}, still I {like} {aspect}",
    "at first {aspect} seemed {bad}, now {it} {is} {good}",
];

pub(super) const FROM_PRAISE_TO_BLAME: &[&str] = &[
    "{aspect} {is} {good}, but it {complaint}",
    "{aspect} looked {good} at first, now {it} {is} {bad}",
    "it {praise}, still I {dislike} {aspect}",
    "{person} finds {aspect} {good}, I {dislike} {it}",
];

/// Sentences that say nothing about content or discontent.
pub(super) const NEUTRAL: &[&str] = &[
    "I bought this {noun} for {occasion}",
    "it came on a {day}",
    "I chose the {colour} one",
    "{person} uses it too",
    "I have had it for {time}",
    "this is my second {noun}",
    "it replaces an old {colour} one",
    "we use it about {number} times a week",
    "I compared {number} others before",
    "the box holds the {noun} and a sheet of paper",
    "I ordered it together with something for {occasion}",
    "I am {number} years into this hobby",
    "it weighs about {number}00 grams",
    "I paid {number} euros for it",
    "see https://example.com/items/{number} for the measurements",
    "questions to reviewer{number}@example.org",
];

pub(super) const HAPPY_ENDS: &[&str] = &[
    "would buy again",
    "recommended",
    "I would recommend it to {person}",
    "five stars from me",
    "worth every cent",
    "no regrets",
    "{person} wants one too",
    "I ordered a second one",
    "you can't go wrong with it",
    "thank you",
    "it stays",
    "do yourself a favour and get one",
];

pub(super) const UNHAPPY_ENDS: &[&str] = &[
    "would not buy again",
    "not recommended",
    "I can't recommend it to anybody",
    "one star is one too many",
    "not worth a cent",
    "never again",
    "it went back",
    "I want my money back",
    "save your money",
    "stay away",
    "off to the bin",
    "do yourself a favour and look elsewhere",
];

pub(super) const EVEN_ENDS: &[&str] = &[
    "it does what it should, no more",
    "all in all okay",
    "you get what you pay for",
    "some will like it",
    "it is alright",
    "make up your own mind",
];

pub(super) const HAPPY_TITLES: &[&str] = &[
    "{good}",
    "{good} {noun}",
    "Love it",
    "Exactly what I needed",
    "Better than expected",
    "No complaints",
    "{aspect} {is} {good}",
    "Not {bad} at all",
    "So happy with it",
];

pub(super) const UNHAPPY_TITLES: &[&str] = &[
    "{bad}",
    "{bad} {noun}",
    "Don't buy",
    "Not what I ordered",
    "Worse than expected",
    "Disappointed",
    "{aspect} {is} {bad}",
    "Not {good}",
    "Waste of money",
];

pub(super) const EVEN_TITLES: &[&str] = &[
    "The {noun} after {time}",
    "My opinion",
    "For {occasion}",
    "{colour} {noun}",
    "Review",
    "It's okay",
    "Mixed feelings",
    "{number} things to know",
];

pub(super) const HAPPY_EMOJI: &[&str] = &["😀", "👍", "❤️", "🎉", "😍", ":-)"];

pub(super) const UNHAPPY_EMOJI: &[&str] = &["😡", "👎", "😞", "💔", "🙄", ":-("];
