"""Hand-written word classes the learned policy sees beside the words themselves.

They let what is learned from one set of questions hold for words that set never used. A class says what a word is
about, never which kind it votes for: that is learned.
"""

from __future__ import annotations

from collections.abc import Mapping

_CLASS_WORDS: Mapping[str, str] = {
    "comparison": """more less fewer greater larger bigger smaller higher lower longer shorter older younger taller
        earlier later faster slower cheaper heavier lighter closer farther further nearer better worse wider deeper
        hotter colder equal equals same different exceed exceeds exceeded outnumber outweigh than versus vs
        match matches identical similar before after above below between within""",
    "superlative": """most least fewest greatest largest biggest smallest highest lowest longest shortest oldest
        youngest tallest earliest latest fastest slowest cheapest heaviest lightest closest farthest furthest nearest
        best worst widest deepest hottest coldest maximum minimum max min first last top bottom""",
    "aggregate": """number count total sum average mean median mode many much difference ratio percentage proportion
        combined altogether remainder quotient product quantity amount tally overall""",
    "compute": """compute calculate add subtract multiply divide multiplied divided plus minus times sum
        solve evaluate
        simplify convert derive estimate round factor expand integrate differentiate rank sort order arrange compare
        count tally subtracting adding deduct halve double triple twice half third quarter""",
    "decide": """choose pick select decide determine check verify test whether if satisfy satisfies feasible
        valid invalid
        allowed permitted possible consistent contradict contradicts follow follows true false both either neither
        all any every none constraint constraints optimal optimise optimize schedule assign allocate plan infer deduce
        conclude imply implies therefore assume suppose given let""",
    "set": """intersection union common overlap overlapping exclude excluding except besides remove removing distinct
        unique duplicates combine merge join members subset contained include included includes list""",
    "lookup": """find look search retrieve fetch lookup identify name define describe explain cite summarise summarize
        quote report state locate tell outline document reference""",
    "who": """who whom whose actor actress singer author writer director president king queen founder inventor
        player coach""",
    "when": "when date year century decade born died founded released published established started ended birthday",
    "where": "where country city state town capital located location place region river mountain continent island",
    "why": "why cause causes caused because reason reasons effect effects function purpose role",
    "algebra": """equation equations polynomial polynomials quadratic linear cubic root roots zero zeros variable
        coefficient coefficients integer integers prime primes divisor divisible multiple multiples fraction fractions
        decimal exponent logarithm log sqrt inequality expression function functions domain range inverse real
        rational
        irrational complex imaginary digit digits even odd sequence series arithmetic geometric term terms factorial
        modulo mod remainder congruent""",
    "geometry": """triangle triangles square rectangle circle radius diameter circumference perimeter area
        volume angle
        angles degrees polygon hexagon parallel perpendicular coordinates coordinate slope line plane vertex vertices
        hypotenuse cube sphere cylinder cone axis graph parabola ellipse symmetric""",
    "calculus": """derivative derivatives integral integrals limit limits continuous differentiable converge converges
        convergent diverges vector vectors matrix matrices determinant eigenvalue eigenvalues transpose rank
        basis span
        subspace linear transformation dimension group groups ring field fields homomorphism isomorphic isomorphism
        subgroup abelian cyclic generator element elements permutation permutations finite infinite bounded open
        closed compact topology metric theorem converges""",
    "statistics": """probability probabilities random sample samples sampling distribution normal binomial deviation
        variance mean median confidence interval hypothesis null significance correlation regression dice die coin
        coins cards deck marbles drawn tossed rolled independent expected outcome outcomes percentile score scores
        combinations arrangements""",
    "logic": """argument arguments premise premises conclusion proposition propositional predicate symbolization
        symbolize tautology contradiction truth table logically equivalent validity counterexample valuation
        quantifier
        syllogism lies liar truthful knight knave statement statements consistent inconsistent antecedent consequent
        conditional translate translates""",
    "code": """algorithm algorithms array arrays loop loops iteration recursive recursion complexity procedure program
        code pseudocode input output variable boolean binary hexadecimal bit bits byte bytes string strings
        stack queue
        heap tree trees graph graphs node nodes edge edges pointer cache memory processor compiler language grammar
        automaton turing decidable np hash python java execute executes executed segment index returns
        print prints""",
    "physics": """velocity speed acceleration force forces mass momentum energy kinetic potential friction gravity
        gravitational charge charges electric magnetic field voltage current resistance resistor capacitor inductor
        circuit wavelength frequency amplitude photon photons electron electrons proton pressure temperature heat
        entropy ideal gas spring oscillation pendulum projectile torque rotational angular momentum orbit lens mirror
        image refraction newton joule joules watt watts volts ohms meters horizontal vertical incline pulley block
        particle collision elastic displacement work power density buoyant""",
    "story": """each every gave gives bought buys sold sells spent spends earns earned paid pays costs cost price has
        had left remaining altogether shared shares eats ate makes made drives drove walks walked saves saved friends
        apples oranges cookies candies pencils marbles books boxes bags eggs dollars cents dozen week day hour hours
        minutes per""",
    "puzzle": """swap swaps swapped trade trades left right arranged row order ordered standing sitting seated facing
        turn turns steps forward backward clockwise finish finished third fourth fifth sixth seventh alphabetical
        alphabetically parentheses brackets sequence pattern next sentence pronoun antecedent ambiguous adjective
        sarcastic typical causation intentionally object objects table penguin between times could""",
    "medicine": """patient patients disease diseases syndrome symptom symptoms treatment diagnosis therapy drug drugs
        dose infection infections virus viruses viral bacteria bacterial cancer tumor tumour cell cells blood heart
        lung lungs liver kidney renal brain nerve nerves muscle artery arteries vein bone bones tissue organ hormone
        insulin diabetes vaccine vaccines antibody antibodies antigen immune clinical pain fever pregnancy pregnant
        physical examination physician hospital chronic acute fracture lesion enzyme protein proteins gene genes
        genetic dna rna mutation chromosome inheritance vitamin vitamins dietary diet nutrition nutrient nutrients
        mortality cognitive dementia aging elderly anatomy cranial spinal membrane pulmonary cardiac gastric
        bilateral anterior posterior medication prescribed hypertension presents emergency department""",
    "law": """court courts law laws legal statute statutes plaintiff defendant contract contracts liability
        liable tort
        negligence judge jury trial appeal constitutional constitution amendment rights jurisdiction treaty treaties
        convention evidence witness testimony hearsay crime criminal murder burglary robbery property deed landlord
        tenant buyer seller agreement breach damages suit sued prosecution attorney lawyer police arrest sovereignty
        international obligation norm norms legislation jurisprudence supreme federal congress sue testator will
        estate conveyed easement mortgage""",
    "history": """war wars empire emperor dynasty century ancient medieval revolution colonial colony colonies king
        queen monarch treaty battle army soldiers slavery slaves civil reform movement nationalism communist communism
        fascism soviet nazi british french german roman greek chinese ottoman church pope reformation enlightenment
        industrial renaissance trade excerpt passage author source document primary archaeological archaeology hominid
        neanderthal neolithic paleolithic civilization civilizations artifacts maya aztec inca egypt mesopotamia
        indigenous native settlers abolition suffrage""",
    "politics": """president presidential congress senate senator representative representatives election elections
        electoral vote voters voting party parties democratic republican liberal conservative policy policies
        government
        governments foreign security military nuclear weapons deterrence alliance nato un united nations terrorism
        diplomacy sanctions amendment federalism bureaucracy lobby interest judicial veto bill citizenship
        administration doctrine cold containment hegemony realism liberalism constructivism""",
    "society": """sociology sociologist sociological social society class gender culture cultural ethnic race racial
        religion religious identity capitalism marx weber durkheim urban family marriage education inequality
        stratification public relations media press campaign stakeholders communication crisis marketing brand
        consumer
        management theory concept term refers known according describes approach scholars model perspective""",
    "religion": """god gods religion hindu hinduism buddhist buddhism buddha islam islamic muslim muslims quran jewish
        judaism torah christian christianity jesus bible sikh sikhism guru daoism confucian confucius shinto temple
        ritual rituals sacred scripture prophet prayer worship meditation""",
    "geography": """population country countries region regions continent ocean sea climate agricultural agriculture
        migration urban rural urbanization map cultural border borders desert tropical port ports canal strait harbor
        harbour trade export exports import imports demographic birth fertility developing""",
    "science": """species animal animals plant plants cell organism organisms evolution planet planets star
        stars galaxy
        sun moon earth mineral rock chemical element atom molecule compound reaction acid metal discovered invented
        scientist theory climate carbon oxygen water""",
    "culture": """film movie song album band tv show series episode season character played plays game team league
        championship cup olympic nfl nba won win winner award awards novel book magazine lyrics sang sings stars
        starring actor voice cast released""",
    "logistics": """ship ships shipping vessel vessels port ports cargo container containers freight route routes
        voyage draft draught berth canal fuel bunker warehouse delivery deliver deliveries truck trucks carrier
        tariff customs tonnage laycan charter demurrage transit leg legs""",
}
"""Class to words."""


def _by_word() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, words in _CLASS_WORDS.items():
        for word in dict.fromkeys(words.split()):
            found[word] = (*found.get(word, ()), name)
    return found


CLASSES: Mapping[str, tuple[str, ...]] = _by_word()
"""Word to the classes it is in."""

_KEPT = """
    a an the this that these those it its they them their he she his her him we our you your i my me
    one ones is are was were be been being am do does did doing done has have had having can could
    will would shall should may might must not no nor and or but if then else so as than when where
    which who whom whose what why how whether while of in on at by for from to with without into
    onto over under above below between among within before after during since until through across
    against about around near per via out up down off all any both each either every few fewer less
    least many more most much neither none only other others another own same several some such too
    very also just still even ever never now there here yes true false enough equal larger greater
    higher lower smaller bigger longer shorter older younger earlier later faster slower largest
    greatest highest lowest smallest biggest longest shortest oldest youngest earliest latest first
    last next number total sum difference average minimum maximum percent percentage times compute
    calculate find list name give show tell count sort add subtract divided multiplied plus minus
    following correct statement value x y z n
"""

FUNCTION_WORDS = frozenset(_KEPT.split())
"""Words the skeleton keeps."""
