"""What people asked Harbor Coffee's agents in the last two weeks.

(agent, days ago, hour, [questions]); an address stands for a member of the team.
"""

from agents.demo.harbor import OWNER

VISITS: list[tuple[str, int, int, str, list[str]]] = [
    ("Shop support", 13, 9, "", ["How much does express shipping cost?"]),
    ("Shop support", 12, 18, "", ["Do you ship to Canada?", "How long does it take?"]),
    ("Shop support", 11, 11, "", ["Can I return coffee that I have opened?"]),
    ("Shop support", 10, 20, "", ["Do gift cards expire?"]),
    ("Shop support", 8, 14, "", ["When is a parcel counted as lost?"]),
    ("Shop support", 7, 10, "", ["How long is the warranty on espresso machines?"]),
    ("Shop support", 6, 16, "", ["Can I use two discount codes?", "Thank you!"]),
    ("Shop support", 5, 12, "", ["Do you sell surfboards?"]),
    ("Shop support", 3, 9, "", ["Until when can I change the address of my order?"]),
    ("Shop support", 2, 17, "", ["When will I get my refund?"]),
    ("Shop support", 1, 10, "", ["Is shipping free?", "And to Canada?"]),
    ("Shop support", 1, 19, OWNER, ["Which cards do you accept?"]),
    ("Subscription helper", 9, 8, "", ["How do I skip the next delivery?"]),
    ("Subscription helper", 6, 21, "", ["What does the Double plan cost?"]),
    ("Subscription helper", 3, 13, "", ["Can I pause for two months?"]),
    ("Subscription helper", 1, 15, "", ["Is there a fee for cancelling?"]),
    ("Brewing coach", 11, 7, "", ["My pour-over tastes sour. What should I change?"]),
    ("Brewing coach", 7, 19, "", ["How long do I steep cold brew in the fridge?"]),
    ("Brewing coach", 4, 8, "", ["How much coffee do I need for a double espresso?"]),
    ("Brewing coach", 2, 7, "", ["Which water should I use for coffee?"]),
    ("Machine doctor", 8, 18, "", ["How often should I descale the Harbor One?"]),
    ("Machine doctor", 4, 20, "", ["The lamp blinks red three times. Why?"]),
    ("Machine doctor", 1, 9, "", ["Can I use vinegar to descale?"]),
    ("Bean guide", 10, 12, "", ["Which coffee is good for espresso?"]),
    ("Bean guide", 5, 17, "", ["Is your decaf made with solvents?"]),
    ("Store guide", 9, 16, "", ["Are dogs welcome?"]),
    ("Store guide", 2, 11, "", ["When is Back Cove open on Saturday?"]),
    ("Allergen desk", 6, 9, "", ["Which items are vegan?"]),
    ("Wholesale desk", 5, 10, "", ["What is the minimum for a first order?"]),
    ("Wholesale desk", 2, 14, "", ["Do you lend espresso machines?"]),
    ("Barista buddy", 3, 6, OWNER, ["When is batch coffee thrown away?"]),
]
